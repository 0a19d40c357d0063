"""A user's files from outside: WebDAV ([RFC 4918](https://www.rfc-editor.org/rfc/rfc4918), class 2)."""
