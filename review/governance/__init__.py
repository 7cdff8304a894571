"""The signed rules, pure: may this person do this, to which recordings, until when; and when is what deleted."""
