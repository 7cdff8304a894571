"""The recorder on the contact-centre PC. The command is `eyelid`; `app.py` puts the parts together."""
