"""WebDAV for a user's files, class 2 ([RFC 4918](https://www.rfc-editor.org/rfc/rfc4918))."""
