"""How people prove who they are: the file of accounts, the throttle, the Authenticator."""
