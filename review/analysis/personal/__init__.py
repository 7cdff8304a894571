"""Personal data in the words of a call, German and English: rules without a model, which prefer to mask too much."""
