#!/usr/bin/env python3
"""A real SMTP server that keeps what it receives and shows it over HTTP.

Needs: aiosmtpd (tools/install-services.sh fetches it)
Usage: smtp_sink.py SMTP_PORT HTTP_PORT      (loopback only; ends on SIGTERM)
  GET    /mails   -> [{"from","to","subject","text","html","headers"}]
  DELETE /mails   -> forgets them
An address that begins with refused@ gets 550; one that begins with later@ gets 451 the first time.
"""
import email
import email.policy
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

MAILS = []
PUT_OFF = set()


class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return f"550 no mailbox {address}"
        if address.startswith("later@") and address not in PUT_OFF:
            PUT_OFF.add(address)
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        m = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: (b.get_content() if (b := m.get_body((kind,))) else None)
        MAILS.append({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": str(m["subject"] or ""),
            "text": part("plain"), "html": part("html"), "headers": {k: str(v) for k, v in m.items()},
        })
        return "250 kept"


class Api(BaseHTTPRequestHandler):
    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(200, MAILS) if self.path == "/mails" else self.answer(404, {})

    def do_DELETE(self):
        MAILS.clear()
        self.answer(200, [])

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    smtp_port, http_port = map(int, sys.argv[1:3])
    Controller(Keep(), hostname="127.0.0.1", port=smtp_port).start()
    http = ThreadingHTTPServer(("127.0.0.1", http_port), Api)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    print(f"ready smtp={smtp_port} http={http_port}", flush=True)
    stop = threading.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: stop.set())
    stop.wait()
