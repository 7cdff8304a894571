"""From the samples of one channel to what was said in it, with times. It knows no key, store or console; no network."""
