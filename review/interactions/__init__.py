"""Calls, chats and mails of other systems: read from their files, sealed, sent, found and given out as vCon."""
