"""Does a test notice when the proof is wrong? One comparison, constant or operator is changed at a time.

A mutant that survives is a place where the proof could be loosened without anyone noticing. The unchanged module is run
the same way first and must pass: a test that fails in any case would catch every mutant and prove nothing.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from bench.interrupts import in_order

ROOT: Final = Path(__file__).resolve().parent.parent
SUBJECTS: Final = {
    "agent.core.proof.clearance": ["tests/core/proof/test_clearance.py"],
    "agent.core.proof.gate": ["tests/core/proof/test_gate.py"],
    "agent.core.account.kept_span": ["tests/core/account/test_kept_span.py"],
}

COMPARISONS: Final[dict[type[ast.cmpop], list[type[ast.cmpop]]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
SWAPPED_CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    module: str
    number: int
    line: int
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}  {self.was}  ->  {self.now}"


Change = tuple[Callable[[], None], Callable[[], None]]


def changes(node: ast.AST) -> Iterator[Change]:
    """Each way to change this node: (do, undo)."""

    def setting(target: object, name: str, value: object) -> Change:
        old = getattr(target, name)
        return (lambda: setattr(target, name, value)), (lambda: setattr(target, name, old))

    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in COMPARISONS.get(type(operator), []):
                    swapped = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                    yield setting(node, "ops", swapped)
        case ast.Constant(value=bool() as value):
            yield setting(node, "value", not value)
        case ast.Constant(value=int() as value):
            yield setting(node, "value", value + 1)
            yield setting(node, "value", value - 1)
        case ast.BoolOp():
            yield setting(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.BinOp(op=ast.Add()):
            yield setting(node, "op", ast.Sub())
        case ast.BinOp(op=ast.Sub()):
            yield setting(node, "op", ast.Add())
        case ast.UnaryOp(op=ast.Not()):
            yield setting(node, "op", ast.UAdd())  # `+bool` is the bool itself as a number: the `not` is gone
        case ast.Call(func=ast.Name(id=name) as function) if name in SWAPPED_CALLS:
            yield setting(function, "id", SWAPPED_CALLS[name])
        case _:
            return


def _source(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


def _mutants(module: str) -> Iterator[tuple[Mutant, ast.Module, Change]]:
    """Each mutant with its tree, changed for as long as the iterator stands there."""
    tree = ast.parse(_source(module).read_text(encoding="utf-8"))
    number = 0
    for node in _without_decorators(tree):
        for do, undo in changes(node):
            was = ast.unparse(node)
            do()
            yield Mutant(module, number, getattr(node, "lineno", 0), was, ast.unparse(node)), tree, (do, undo)
            undo()
            number += 1


def _without_decorators(tree: ast.AST) -> Iterator[ast.AST]:
    """`@dataclass(frozen=True)` keeps the house tidy, but proves nothing."""
    for child in ast.iter_child_nodes(tree):
        decorators = getattr(tree, "decorator_list", [])
        if child not in decorators:
            yield child
            yield from _without_decorators(child)


UNCHANGED: Final = -1


def _survives(module: str, number: int) -> bool:
    """Runs in a process of its own: puts the mutant in the module's place before any test imports it."""
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the process's life
    os.chdir(ROOT)
    if number == UNCHANGED:
        return _passes(module, ast.parse(_source(module).read_text(encoding="utf-8")))
    return next(_passes(module, tree) for mutant, tree, _ in _mutants(module) if mutant.number == number)


def _passes(module: str, tree: ast.Module) -> bool:
    changed = types.ModuleType(module)
    package, _, name = module.rpartition(".")
    sys.modules[module] = changed
    setattr(importlib.import_module(package), name, changed)
    try:
        exec(compile(ast.fix_missing_locations(tree), str(_source(module)), "exec"), changed.__dict__)  # noqa: S102
    except Exception:  # noqa: BLE001 - a mutant that cannot even be loaded is caught
        return False
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=unshrunk"]
    return pytest.main([*options, *SUBJECTS[module]]) == 0


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), max_tasks_per_child=1)


def measure(progress: Callable[[str], None]) -> dict[str, object]:
    with _pool() as pool:
        for module in SUBJECTS:
            if not pool.submit(_survives, module, UNCHANGED).result():
                raise SystemExit(f"the tests of {module} fail without any change, so they say nothing about mutants")
    every = [mutant for module in SUBJECTS for mutant, _, _ in _mutants(module)]
    survivors: list[str] = []
    with _pool() as pool:
        leaves = [(mutant, pool.submit(_survives, mutant.module, mutant.number)) for mutant in every]
        try:
            for place, (mutant, disposition) in enumerate(leaves, 1):
                survived = disposition.result()
                progress(f"{place}/{len(every)} {'SURVIVED' if survived else 'caught'}  {mutant}")
                if survived:
                    survivors.append(str(mutant))
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt does not wait for all that are left
    return {"mutants": len(every), "caught": len(every) - len(survivors), "survived": survivors}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench mutants", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="the same: every mutant is tried in any case")
    arguments = parser.parse_args()
    result = measure(lambda line: print(line, file=sys.stderr))
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['caught']} of {result['mutants']} mutants of the proof were caught by its tests.")
    return 1 if result["survived"] else 0


if __name__ == "__main__":
    sys.exit(in_order(main))
