#!/usr/bin/env python3
"""Writes botocore.json: requests as botocore, the AWS SDK for Python, signs them.

    pip install botocore==1.44.8 && gateway/auth/tests/sigv4/generate.py

The credentials are made up. The same botocore writes the same file.
"""

import base64
import datetime
import json
import pathlib
import random
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = [
    ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None),
    ("ASIAIOSFODNN7EXAMPLE", "short", "IQoJb3JpZ2luX2VjE+/x=="),
    ("ASIA0123456789ABCDEF", "a+b/c=d" * 9, "FwoGZXIvYXdzE" + "Ab9/+" * 60 + "=="),
]
MODELS = [
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "us.anthropic.claude-opus-4-20250514-v1:0",
    "eu.amazon.nova-pro-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1",
    "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/a1b2c3d4e5f6",
    "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:provisioned-model/abc/def",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/my endpoint",
    "a model with spaces",
    "modèle-ü-日本",
    "100%-sure",
    "a+b=c&d,e;f@g!h*i'j(k)l$m",
    "dots.and~tildes_-",
    "..",
    "a//b/../c",
]
CALLS = ["converse", "converse-stream", "invoke", "invoke-with-response-stream"]
PATHS = [
    "", "/", "//", "///a", "/a/./b", "/a/../b", "/a//b/", "/..", "/../..", "/./", "/a/b/../../c/", "/a/..", "/a/../", "/a/.", "/.a/..b/c..",
    "/%2F", "/%2f", "/a%20b", "/a b", "/ü", "/日本/語", "/a+b", "/a*b", "/~tilde", "/a:b", "/a@b,c;d=e", "/$&'()!", "/%", "/%zz", "/%C3%A4",
    "/%25", "/%252F", "/a%2Fb%3Ac", "/[x]/{y}|z", "/\"quoted\"", "/back\\slash", "/a=b", "/a^b`c", "/model/x/",
]
QUERIES = [
    "", "a=1", "b=2&a=1", "a=2&a=1", "a", "a=", "a&b", "a=1&a", "a=b=c", "=", "=x", "&", "a&&b", "a=%20", "a=%2F&a=%2f", "a=+", "A=1&a=1",
    "a=1&A=1", "a-b=1&a=1&a.b=1", "a=~", "X-Amz-Date=1", "a=:/", "a=%E2%82%AC", "a=*", "maxResults=10&nextToken=a%2Bb%3D", "a1=1&a=2", "a=1?b=2",
    "z=1&y=2&x=3&w=4", "list-type=2&prefix=a%2Fb", "a=@",
]
HEADERS = [
    [["Content-Type", "application/json"]],
    [["content-type", "application/json"], ["accept", "application/vnd.amazon.eventstream"]],
    [["X-B", "2"], ["X-A", "1"]],
    [["x-a", "  two   spaces  "]],
    [["x-a", "tab\there"]],
    [["x-a", ""]],
    [["x-a", "1"], ["X-A", "2"]],
    [["x-a", "2"], ["x-b", "b"], ["x-a", "1"]],
    [["User-Agent", "fairlead"], ["x-a", "1"]],
    [["Expect", "100-continue"]],
    [["Transfer-Encoding", "chunked"], ["content-type", "a/b"]],
    [["X-Amzn-Trace-Id", "Root=1-2-3"]],
    [["Connection", "keep-alive"], ["te", "trailers"], ["upgrade", "h2c"], ["keep-alive", "5"], ["trailer", "x"]],
    [["traceparent", "00-1-2-01"], ["tracestate", "a=b"], ["baggage", "c=d"]],
    [["proxy-authorization", "Basic x"], ["proxy-authenticate", "Basic"]],
    [["X-Amzn-Bedrock-GuardrailIdentifier", "arn:aws:bedrock:eu-west-1:1:guardrail/x"], ["X-Amzn-Bedrock-Trace", "ENABLED"]],
    [["X-Amzn-Bedrock-PerformanceConfig-Latency", "optimized"]],
    [["content-length", "12"], ["accept-encoding", "identity"]],
    [["x-z", "a:b;c,d"], ["x-amz-target", "Service.Call"]],
    [["x-quoted", "\"a  b\""]],
    [["a", "1"], ["a-b", "2"], ["ab", "3"], ["a_b", "4"], ["a1", "5"]],
    [["Authorization", "Bearer old"], ["X-Amz-Date", "20000101T000000Z"], ["X-Amz-Security-Token", "old"]],
]
BODIES = [
    b"", b"{}", b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}', "ümläut 日本".encode(), bytes(range(256)), b"\x00", b"\r\n", b"a" * 1000,
    b" {\n} ", b"Action=AssumeRole&Version=2011-06-15",
]
REGIONS = [
    ("us-east-1", "bedrock"), ("eu-central-1", "bedrock"), ("us-gov-west-1", "bedrock"), ("cn-north-1", "sts"), ("ap-southeast-2", "sagemaker"),
    ("us-west-2", "bedrock-mantle"), ("eu-west-1", "aoss"), ("us-east-1", "execute-api"),
]
TIMES = [0, 951782399, 1440938160, 1709164800, 1735689599, 1735689600, 1767225600, 4102444800, 253370764800]
HOSTS = ["bedrock-runtime.us-east-1.amazonaws.com", "localhost:8080", "127.0.0.1:4566", "vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com:8443"]

cases = []


def case(name, method="POST", host=HOSTS[0], path="/", query="", headers=(), body=b"", unsigned=False, scope=REGIONS[0], time=1440938160, key=KEYS[0]):
    now = datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_, **__: now
    request = AWSRequest(method=method, url=f"https://{host}{path}" + (f"?{query}" if query else ""), data=body)
    for header, value in headers:
        request.headers.add_header(header, value)
    request.context["payload_signing_enabled"] = not unsigned
    botocore.auth.SigV4Auth(Credentials(*key), scope[1], scope[0]).add_auth(request)
    ours = ["Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256"]
    cases.append({
        "name": name, "method": method, "host": host, "path": path, "query": query, "headers": list(headers),
        "body": base64.b64encode(body).decode(), "unsigned": unsigned, "region": scope[0], "service": scope[1], "time": time,
        "accessKey": key[0], "secretKey": key[1], "sessionToken": key[2],
        "signed": {name.lower(): request.headers[name] for name in ours if name in request.headers},
    })


for model in MODELS:
    for call in CALLS:
        case(f"{call} of {model}", path=f"/model/{quote(model, safe='')}/{call}", headers=HEADERS[0], body=BODIES[2], key=KEYS[len(cases) % 3])
for path in PATHS:
    case(f"path {path!r}", path=path, method="GET")
for query in QUERIES:
    case(f"query {query!r}", query=query, method="GET")
for headers in HEADERS:
    case(f"headers {headers[0]}", headers=headers, key=KEYS[1])
for body in BODIES:
    case(f"body {body[:12]!r}", body=body)
    case(f"body {body[:12]!r}, not covered", body=body, unsigned=True, key=KEYS[2])
for scope in REGIONS:
    case(f"scope {scope}", scope=scope, key=KEYS[2])
for time in TIMES:
    case(f"time {time}", time=time)
for host in HOSTS:
    case(f"host {host}", host=host, method="DELETE")
for method in ["GET", "PUT", "HEAD", "PATCH", "post"]:
    case(f"method {method}", method=method)

chance = random.Random(4)
for number in range(60):
    case(
        f"mixed {number}", method=chance.choice(["GET", "POST", "PUT"]), host=chance.choice(HOSTS), path=chance.choice(PATHS), query=chance.choice(QUERIES),
        headers=chance.choice(HEADERS), body=chance.choice(BODIES), scope=chance.choice(REGIONS), time=chance.choice(TIMES), key=chance.choice(KEYS),
    )

lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
pathlib.Path(__file__).with_name("botocore.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
print(len(cases), "cases")
