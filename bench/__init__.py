"""What is measured, beside a peer in the same run, and the stage on which demo, benches and scenarios play."""
