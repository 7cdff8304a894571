"""The policy packs that ship with Eyelid, a folder each: data, with their tests inside. schema.json is for editors."""
