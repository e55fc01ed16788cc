"""A mail server that keeps what it takes: SMTP with STARTTLS on one port of 127.0.0.1, SMTP over TLS on another.

Both ask for a login. Each message becomes a file in the mailbox directory, named by its order of arrival: one line of JSON
(the envelope, the login, whether TLS was on), then the message, byte for byte. The file is there before the 250 is said,
and only whole files have their final name.

usage: server.py STARTTLS_PORT TLS_PORT MAILBOX CERTIFICATE KEY USER     (the password is read from standard input)
"""

import asyncio
import json
import os
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Mailbox:
    """Stores what it is handed. One event loop, so one message at a time."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.stored = len(list(self.directory.iterdir()))

    async def handle_DATA(self, server, session, envelope):
        head = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "login": session.auth_data,
            "tls": session.ssl is not None,
        }
        self.stored += 1
        unfinished = self.directory / ".unfinished"
        unfinished.write_bytes(json.dumps(head).encode() + b"\n" + envelope.original_content)
        os.rename(unfinished, self.directory / f"{self.stored:09}.mail")
        return "250 2.0.0 stored"


class TlsFromTheStart(SMTP):
    """aiosmtpd notes TLS in a session only after STARTTLS."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self.session.ssl = transport.get_extra_info("ssl_object")


async def main():
    starttls_port, tls_port, mailbox, certificate, key, user = sys.argv[1:]
    password = sys.stdin.readline().rstrip("\n").encode()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)

    def authenticate(server, session, envelope, mechanism, login):
        if (login.login, login.password) == (user.encode(), password):
            return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)  # 535

    loop = asyncio.get_running_loop()
    common = {
        "handler": Mailbox(mailbox),
        "hostname": "localhost",
        "enable_SMTPUTF8": True,
        "auth_required": True,
        "authenticator": authenticate,
        "loop": loop,
    }
    servers = [
        await loop.create_server(
            lambda: SMTP(**common, tls_context=tls, require_starttls=True), "127.0.0.1", int(starttls_port)
        ),
        await loop.create_server(
            lambda: TlsFromTheStart(**common, auth_require_tls=False), "127.0.0.1", int(tls_port), ssl=tls
        ),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
