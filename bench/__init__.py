"""What is measured, beside a peer in the same run. `bench/tests` holds the tests of what the benches judge by."""
