"""The policy's language: from marked-up files to a policy, with every mistake by its place."""
