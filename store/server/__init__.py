"""The HTTPS side: what devices may ask, and what is made durable before it is answered."""
