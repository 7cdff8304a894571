"""What a mutant is: one comparison, constant, condition or operator of a module is another one.

Left alone is what decides nothing: annotations and type variables, docstrings, decorators (`@dataclass(frozen=True)`
keeps the house tidy) and the words of an error; in modules of governance that mostly talk, all sentences.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

COMPARISONS: Final[dict[type[ast.cmpop], list[type[ast.cmpop]]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
SWAPPED_CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
LEFT_ALONE: Final = {"decorator_list", "annotation", "returns", "type_params"}
TALKING: Final = {
    f"review.governance.{name}" for name in ("cautions", "diff", "examples", "keys", "parse", "reading", "words")
}

Enums = Mapping[str, list[str]]  # a class's name as the module knows it -> its members in their order
Change = tuple[Callable[[], None], Callable[[], None]]  # (do, undo)


@dataclass(frozen=True)
class Place:
    """Where a mutant is, so that it is found again after the lines above it have moved.

    `inside`: the function or class; empty for the module itself. `was`, `now`: the line of code before and after.
    `nth`: of those alike inside, from 1.
    """

    module: str
    inside: str
    was: str
    now: str
    nth: int = 1


@dataclass(frozen=True)
class Mutant:
    """`number`: of the module's, from 0, while the module stays as it is."""

    place: Place
    number: int
    line: int

    def __str__(self) -> str:
        return f"{self.place.module}:{self.line}  {self.place.was}  ->  {self.place.now}"


def source(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


@cache  # numbers count in the text as it was first read, though somebody may go on writing
def text_of(module: str) -> str:
    return source(module).read_text(encoding="utf-8")


@cache
def mutants(module: str) -> tuple[Mutant, ...]:
    text = text_of(module)
    return tuple(mutants_of(module, text, _enums(ast.parse(text))))


def mutated(module: str, number: int | None) -> ast.Module:
    """The whole module with this mutant in it; with None, as it is."""
    tree = ast.parse(text_of(module))
    for count, (*_, (do, _)) in enumerate(_changes(module, tree, _enums(tree))):
        if count == number:
            do()
            break
    return ast.fix_missing_locations(tree)


def mutants_of(module: str, text: str, enums: Enums) -> Iterator[Mutant]:
    tree = ast.parse(text)
    alike: Counter[tuple[str, str, str]] = Counter()
    for number, (inside, statement, node, (do, undo)) in enumerate(_changes(module, tree, enums)):
        before = ast.unparse(statement).splitlines()
        do()
        after = ast.unparse(statement).splitlines()
        undo()
        was, now = next((a.strip(), b.strip()) for a, b in zip(before, after, strict=True) if a != b)
        alike[inside, was, now] += 1
        # A comprehension has no line of its own.
        line: int = getattr(node, "lineno", 0) or getattr(statement, "lineno", 0)
        yield Mutant(Place(module, inside, was, now, alike[inside, was, now]), number, line)


def _changes(module: str, tree: ast.Module, enums: Enums) -> Iterator[tuple[str, ast.AST, ast.AST, Change]]:
    """(function or class, statement, node, change) for each change there is."""
    for inside, statement, node in _nodes(tree, "", tree):
        if module in TALKING and _is_sentence(node):
            continue
        for change in _changes_of(node, enums):
            yield inside, statement, node, change


def _nodes(parent: ast.AST, inside: str, statement: ast.AST) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """Everything in it that decides something, each with the function and the smallest statement around it."""
    for name, value in ast.iter_fields(parent):
        if name in LEFT_ALONE:
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _decides_nothing(node, parent):
                continue
            around = node if isinstance(node, (ast.stmt, ast.match_case)) else statement
            named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            within = f"{inside}.{node.name}".strip(".") if named else inside  # type: ignore[attr-defined]
            yield inside, around, node
            yield from _nodes(node, within, around)


def _decides_nothing(node: ast.AST, parent: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.Call(func=ast.Name(id="TypeVar")):
            return True
        case ast.Call(args=[ast.Constant() | ast.JoinedStr()]):
            return isinstance(parent, ast.Raise)  # what an error says, not whether there is one
        case _:
            return False


def _is_sentence(node: ast.AST) -> bool:
    """A text with a blank, and no pattern."""
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and " " in text and "[" not in text


def _changes_of(node: ast.AST, enums: Enums) -> Iterator[Change]:
    yield from _other_values(node, enums)
    yield from _other_operators(node)
    yield from _other_conditions(node)


def _other_values(node: ast.AST, enums: Enums) -> Iterator[Change]:
    match node:
        case ast.Constant(value=bool() as value) | ast.MatchSingleton(value=bool() as value):
            yield _setting(node, "value", not value)
        case ast.Constant(value=int() | float() as number):
            yield _setting(node, "value", number + 1)
            yield _setting(node, "value", number - 1)
        case ast.Constant(value=str() as text):
            yield _setting(node, "value", text + "!")
            if text:
                yield _setting(node, "value", "")
        case ast.Attribute(value=ast.Name(id=enum), attr=member) if member in enums.get(enum, []):
            members = enums[enum]
            yield _setting(node, "attr", members[(members.index(member) + 1) % len(members)])
        case _:
            return


def _other_operators(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield _setting(node, "ops", [*node.ops[:place], other(), *node.ops[place + 1 :]])
        case ast.BoolOp():
            yield _setting(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.BinOp() | ast.AugAssign():
            if type(node.op) in OPERATORS:
                yield _setting(node, "op", OPERATORS[type(node.op)]())
        case ast.Call(func=ast.Name(id=name) as function) if name in SWAPPED_CALLS:
            yield _setting(function, "id", SWAPPED_CALLS[name])
        case _:
            return


def _other_conditions(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.UnaryOp(op=ast.Not()):
            yield _setting(node, "operand", _opposite(node.operand))
        case ast.If() | ast.IfExp() | ast.While() if not _changed_itself(node.test):
            yield _setting(node, "test", _opposite(node.test))
        case ast.comprehension():
            for place, condition in enumerate(node.ifs):
                if not _changed_itself(condition):
                    yield _setting(node, "ifs", [*node.ifs[:place], _opposite(condition), *node.ifs[place + 1 :]])
        case _:
            return


def _changed_itself(condition: ast.expr) -> bool:
    return isinstance(condition, (ast.Compare, ast.BoolOp, ast.Constant)) or (
        isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not)
    )


def _opposite(condition: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), condition)


def _setting(target: object, name: str, value: object) -> Change:
    old = getattr(target, name)
    return (lambda: setattr(target, name, value)), (lambda: setattr(target, name, old))


def _enums(tree: ast.Module) -> dict[str, list[str]]:
    """Those that the module defines or imports from the project."""
    found = _defined_enums(tree)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and source(node.module).is_file():
            there = _defined_enums(ast.parse(text_of(node.module)))
            found |= {name.asname or name.name: there[name.name] for name in node.names if name.name in there}
    return found


def _defined_enums(tree: ast.Module) -> dict[str, list[str]]:
    return {
        node.name: [
            target.id
            for statement in node.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        ]
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id.endswith("Enum") for base in node.bases)
    }
