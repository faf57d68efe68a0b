#!/usr/bin/env python3
"""An independent verifier of receipts, version 2, written from crate/docs/receipt.md alone.

    verify.py RECEIPT... [--rows FILE]... [--signed-by KEY] [--head DIGEST]

FILE holds the rows before or after one of the changes, one JSON array a line (`ultrare verify ... --rows FILE`). Checks what
receipts say about themselves, each other and the rows: digests, seals, roots, absence, names, partition, chain, signature. It does
not train: weights stay the receipts' word. Prints one line for each thing that fails; exit code 1 if anything does.
"""
import hashlib, json, struct, sys

KINDS, DIGITS = ("users", "items", "interactions"), set("0123456789abcdef")
STATED = ["code", "protocol.mode", "reading", "request", "seconds", "settings"]

def u32(n): return struct.pack("<I", n)
def u64(n): return struct.pack("<Q", n)
def text(s): return u64(len(s.encode())) + s.encode()
def H(*parts): return hashlib.sha256(b"".join(parts)).digest()
def xor(a, b): return bytes(x ^ y for x, y in zip(a, b))
def without(document, *names): return {name: v for name, v in document.items() if name not in names}
def json_digest(domain, v): return H(b"\5" + text(domain), value(v))
def by_bytes(row): return (row[0].encode(), row[1].encode())
def unhex(s, length=64):
    if not (isinstance(s, str) and len(s) == length and set(s) <= DIGITS):
        raise ValueError("not %d hexadecimal digits: %r" % (length, s))
    return bytes.fromhex(s)
def once(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member is given twice")
    return dict(pairs)

def value(v):
    if v is None or v is False or v is True:
        return b"\0" if v is None else b"\2" if v else b"\1"
    if isinstance(v, int) or isinstance(v, float) and v == int(v) and abs(v) <= 2**53:
        return b"\3" + int(v).to_bytes(16, "little", signed=True)
    if isinstance(v, float):
        return b"\4" + struct.pack("<d", v)
    if isinstance(v, str):
        return b"\5" + text(v)
    if isinstance(v, list):
        return b"\6" + u64(len(v)) + b"".join(map(value, v))
    members = sorted(v.items(), key=lambda member: member[0].encode())
    return b"\7" + u64(len(v)) + b"".join(b"\5" + text(name) + value(inside) for name, inside in members)

class Rows:
    """Rows sorted by user and item: (user, item, payload, fate), and their digest."""
    def __init__(self, rows):
        self.rows = sorted(rows, key=by_bytes)
        names = [sorted({row[at] for row in self.rows}, key=str.encode) for at in (0, 1)]
        number = [{name: at for at, name in enumerate(one)} for one in names]
        parts = [text("ultrare rows 2")] + [u64(len(one)) + b"".join(map(text, one)) for one in names]
        parts += [u64(len(self.rows))] + [u32(number[0][u]) + u32(number[1][i]) + p for u, i, p, _ in self.rows]
        self.digest = H(*parts)
def read_rows(lines):
    rows = (json.loads(line) for line in lines if line.strip())
    return Rows([(u, i, struct.pack("<fqB", v, t, fate + 16 * consent), fate) for u, i, v, t, fate, consent in rows])
class Salt:
    def __init__(self, salt):
        self.salt, self.known = salt, {}
        self.blind, self.check = self.hash("blind")[:8], self.hash("check")
    def hash(self, what, *parts): return H(text("ultrare %s 2" % what), self.salt, *parts)
    def names(self, row): return self.name("user", row[0]), self.name("item", row[1])
    def name(self, kind, name):
        if (kind, name) not in self.known:
            self.known[kind, name] = self.hash(kind, text(name))
        return self.known[kind, name]
    def key(self, row, by_item=False): return b"".join(name[:16] for name in self.names(row)[::-1 if by_item else 1])

def pad(rows, number, moment): return H(text("ultrare pad 2"), rows.digest, u32(number), u32(moment))
def root(count, top): return {"rows": count, "digest": H(b"\2", u64(count), top).hex()}
def tree(rows, salt, by_item=False):
    keys = sorted((salt.key(row, by_item), row[2]) for row in rows)
    level = [H(b"\0", key, H(b"\3", salt.blind, key, payload)) for key, payload in keys]
    while len(level) > 1:
        level = [H(b"\1", *level[at:at + 2]) if at + 1 < len(level) else level[at] for at in range(0, len(level), 2)]
    return root(len(keys), b"".join(level))

def opened(proof, stated):
    """The leaves of a proof that leads to its root."""
    leaves = [(leaf["at"], unhex(leaf["key"]), unhex(leaf["content"])) for leaf in proof["leaves"]]
    if any(a[0] >= b[0] or a[1] > b[1] for a, b in zip(leaves, leaves[1:])) or any(leaf[0] >= stated["rows"] for leaf in leaves):
        raise ValueError("leaves out of order")
    nodes, count = [(at, H(b"\0", key, content)) for at, key, content in leaves], stated["rows"]
    siblings = [unhex(node) for node in proof["siblings"]]
    while count > 1 and nodes:
        above, rest = [], list(nodes)
        while rest:
            at, node = rest.pop(0)
            if at % 2 == 1:
                node = H(b"\1", siblings.pop(0), node)
            elif at + 1 < count:
                node = H(b"\1", node, rest.pop(0)[1] if rest and rest[0][0] == at + 1 else siblings.pop(0))
            above.append((at // 2, node))
        nodes, count = above, (count + 1) // 2
    if siblings or not (root(stated["rows"], nodes[0][1]) == stated if nodes else stated["rows"] > 0 or root(0, b"") == stated):
        raise ValueError("does not lead to the root")
    return leaves

def absent(proof, stated, ranges):
    """What is wrong with a proof that no key lies in any of the ranges."""
    if (proof is None) != (not ranges):
        return "one is there exactly when something is to be absent"
    try:
        leaves = opened(proof, stated) if ranges else []
    except (ValueError, IndexError) as error:
        return str(error)
    for low, high in ranges:
        inside = [leaf for leaf in leaves if low <= leaf[1] <= high]
        first = max([leaf[0] + 1 for leaf in leaves if leaf[1] < low], default=0)
        last = min([leaf[0] for leaf in leaves if leaf[1] > high], default=stated["rows"])
        if inside or last != first:
            return "a row that went is still there" if inside else "a gap"
def ranges(change):
    came = [tuple(pair) for pair in change["came"]["interactions"]]
    prefix = lambda name: (unhex(name)[:16] + bytes(16), unhex(name)[:16] + b"\xff" * 16)
    keys = [unhex(u)[:16] + unhex(i)[:16] for u, i in change["gone"]["interactions"] if (u, i) not in came]
    users = [prefix(name) for name in change["gone"]["users"]] + [(key, key) for key in keys]
    return users, [prefix(name) for name in change["gone"]["items"]]
def named(one, other, salt):
    there, others = [{row[at] for row in other.rows} for at in (0, 1)], set(other.rows)
    users = {row[0] for row in one.rows} - there[0]
    items = {row[1] for row in one.rows if row[0] in there[0]} - there[1]
    rows = [row for row in one.rows if row not in others]
    pairs = [[name.hex() for name in salt.names(row)] for row in rows if row[0] not in users and row[1] not in items]
    hashed = lambda kind, names: sorted(salt.name(kind, name).hex() for name in names)
    return {"rows": len(rows), "users": hashed("user", users), "items": hashed("item", items), "interactions": sorted(pairs)}
def find(names, rows, salt):
    users, items, pairs = set(names["users"]), set(names["items"]), set(map(tuple, names["interactions"]))
    hashes = [(*(name.hex() for name in salt.names(row)), row) for row in rows.rows]
    return [row for u, i, row in hashes if u in users or i in items or (u, i) in pairs]
def shards_of(assigned, rows, salt):
    """Shard by (user, item) of every training row."""
    training, by_user = [row for row in rows.rows if row[3] != 2], assigned["per"] == "user"
    order = sorted({row[0] for row in training}, key=lambda user: salt.name("user", user)) if by_user else \
        [row[:2] for row in sorted(training, key=salt.key)]
    if len(order) != len(assigned["shard_of"]):
        raise ValueError("%d shards are listed for %d" % (len(assigned["shard_of"]), len(order)))
    shard = dict(zip(order, assigned["shard_of"]))
    return {row[:2]: shard[row[0] if by_user else row[:2]] for row in training}
def partition(of, shards):
    """Digest over ids, and whether all rows of every user are together."""
    parts, users = [text("ultrare partition 1"), u32(shards)], {}
    for row in sorted(of, key=by_bytes):
        users.setdefault(row[0], []).append((row[1], of[row]))
    together = {user: len({shard for _, shard in rows}) == 1 for user, rows in users.items()}
    for user, rows in users.items():
        each = b"".join(text(item) + u32(shard) for item, shard in rows)
        parts.append(text(user) + (u32(1) + u32(rows[0][1]) if together[user] else u32(2) + u32(len(rows)) + each))
    return H(*parts), all(together.values())
def trees(state): return state["shards"] + [state["test"]]
def leaves(state): return sum(one["by_user"]["rows"] for one in trees(state))

def alone(r, want):
    want((r["format"], r["version"]) == ("ultrare receipt", 2), "format", "not a receipt of version 2")
    own = json_digest("ultrare receipt 2", without(r, "digest", "signature")).hex()
    want(own == r["digest"], "digest", "the receipt was changed after it was written")
    stated = STATED + ["metrics." + arm for arm in r["metrics"] if arm != "unlearned"]
    want(r["stated"] == sorted(stated), "stated", "not the members that nobody can check")
    want(r["number"] >= 1 and (r["number"] == 1) == (r["previous"] is None), "number", "only the first receipt has none before it")
    change, before, after, seals = r["change"], r["data"]["before"], r["data"]["after"], r["data"]["seals"]
    for names in (r["request"], change["gone"], change["came"]):
        lists = [[tuple(one) if isinstance(one, list) else one for one in names[kind]] for kind in KINDS]
        want(all(one == sorted(set(one)) for one in lists), "names", "not ascending")
    order = "batch" if sum(len(r["request"][kind]) for kind in KINDS) > 1 else "one_by_one"
    want(r["protocol"]["order"] == order, "order", "not that of the names asked for")
    settings = r["settings"] if isinstance(r["settings"], dict) else {}
    want(settings.get("seed", r["seed"]) == r["seed"], "seed", "another than among the settings")
    want(len(before["shards"]) == len(after["shards"]) == len(r["shards"]), "shards", "not the same number everywhere")
    left = leaves(before) + change["came"]["rows"] - change["gone"]["rows"]
    want(left == leaves(after), "change", "rows before and after do not fit what went and came")
    for moment, state in (("before", before), ("after", after)):
        want((leaves(state) > 0) == (seals[moment] is not None), "seals", "one for each side that has rows")
    proofs, wanted = list(r["data"]["absent"]), dict(zip(("by_user", "by_item"), ranges(change)))
    for at, (was, now) in enumerate(zip(trees(before), trees(after))):
        number = at if at < len(r["shards"]) else None
        place = "test rows" if number is None else "shard %d" % at
        for one in (was, now):
            count = one["by_item"]["rows"] if one["by_item"] else None
            want(count == (one["by_user"]["rows"] if wanted["by_item"] else None), place, "a tree by item exactly when whole items went")
        if was != now:
            absence = proofs.pop(0) if proofs else {"shard": -1, "by_user": None, "by_item": None}
            want(absence["shard"] == number, place, "no proof of absence")
            for by, empty in wanted.items():
                wrong = absent(absence[by], now[by], empty)
                want(not wrong, place, "proof %s: %s" % (by, wrong))
        if number is not None:
            s, rows = r["shards"][at], (was["by_user"]["rows"], now["by_user"]["rows"])
            stated = (s["shard"], s["touched"], s["rows_before"], s["rows_after"], s["before"] is None, s["after"] is None)
            want(stated == (at, was != now, *rows, rows[0] == 0, rows[1] == 0), place, "its entry does not fit its trees")
            want(was != now or s["before"] == s["after"], place, "another sub-model from the same rows")
    want(not proofs, "absent", "a proof that belongs to no tree")
def chain(receipts, want):
    for a, b in zip(receipts, receipts[1:]):
        want(b["previous"] == a["digest"] and b["number"] == a["number"] + 1, "chain", "receipt %s does not follow" % b["number"])
        ends = [s["after"] for s in a["shards"]], a["combiner"]["after"], leaves(a["data"]["after"])
        begins = [s["before"] for s in b["shards"]], b["combiner"]["before"], leaves(b["data"]["before"])
        want(ends == begins, "chain", "receipt %s does not begin where the one before ends" % b["number"])
def open_rows(r, pool):
    """The salt, and the rows of both sides as far as they follow from those at hand."""
    salt, sides, seals, change = None, [None, None], r["data"]["seals"], r["change"]
    for rows in list(pool):
        for moment, seal in enumerate((seals["before"], seals["after"])):
            tried = Salt(xor(unhex(seal), pad(rows, r["number"], moment))) if seal else None
            if tried and tried.check.hex() == seals["check"]:
                salt, sides[moment] = tried, rows
                out, other = (change["gone"], change["came"])[::1 - 2 * moment]
                gone = set(find(out, rows, salt))
                if sides[1 - moment] is None and other["rows"] == 0 and len(gone) == out["rows"]:
                    sides[1 - moment] = Rows([row for row in rows.rows if row not in gone])
                    pool.append(sides[1 - moment])
    return salt, sides

def against_rows(r, salt, sides, want):
    content = json_digest("ultrare bound content 2", without(r, "bound", "digest", "signature"))
    want(salt.hash("bound", content).hex() == r["bound"], "bound", "changed by somebody who does not have the rows")
    shards, of, data = len(r["data"]["before"]["shards"]), [None, None], r["data"]
    for moment, name in enumerate(("before", "after")):
        rows, assigned = sides[moment], r["partition"][name]
        if rows is None: continue
        seal = xor(salt.salt, pad(rows, r["number"], moment)).hex() if rows.rows else None
        want(data["seals"][name] == seal, "seal " + name, "does not hold the salt")
        of[moment] = shards_of(assigned, rows, salt)
        digest, together = partition(of[moment], shards)
        right = salt.hash("blinded partition", digest).hex() == assigned["digest"] and together == (assigned["per"] == "user")
        want(right, "partition " + name, "not that of the listed shards")
        nothing = r["combiner"][name] is None and (moment == 0 or not r["metrics"].get("unlearned"))
        want(of[moment] or nothing, "combiner " + name, "there is nothing to combine or to measure")
        for at, stated in enumerate(trees(data[name])):
            inside = [row for row in rows.rows if of[moment].get(row[:2], shards) == at]
            for by in ("by_user", "by_item"):
                same = stated[by] is None or tree(inside, salt, by == "by_item") == stated[by]
                want(same, "rows " + name, "tree %d %s is not that of these rows" % (at, by))
    for side, other in zip(sides, ("came", "gone")):
        want(None not in sides or side is None or r["change"][other]["rows"] > 0, "change", "its names lead to other rows")
    if None not in sides:
        for name, found in (("gone", named(*sides, salt)), ("came", named(*sides[::-1], salt))):
            want(r["change"][name] == found, "change", "not what " + name)
        asked, stayed = r["request"], set(sides[1].rows)
        pairs = {tuple(name.hex() for name in salt.names(row)) for row in sides[0].rows}
        there = set(asked["users"]) <= {u for u, _ in pairs} and set(asked["items"]) <= {i for _, i in pairs}
        want(there and set(map(tuple, asked["interactions"])) <= pairs, "request", "a name that was not there")
        want(not any(row in stayed for row in find(asked, sides[0], salt)), "request", "a row asked for is still there")
        moved = any(of[0].get(row, s) != s for row, s in of[1].items())
        want(r["protocol"]["divided_again"] or not moved, "partition", "somebody moved, though it was kept")
    return of

def signature(r, by, want):
    signed = r.get("signature")
    want(by is None or (signed or {}).get("key") == by, "signed by", "%s, not %s" % ((signed or {}).get("key", "nobody"), by))
    if signed is None: return
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return print("unchecked  signature: the package `cryptography` is not installed")
    try:
        key, line = Ed25519PublicKey.from_public_bytes(unhex(signed["key"])), "ultrare receipt 2 %s\n" % r["digest"]
        key.verify(unhex(signed["signature"], 128), line.encode())
    except (InvalidSignature, ValueError):
        want(False, "signature", "wrong")

def verify(texts, rows, by=None, head=None):
    """What fails, in words."""
    failures, pool, found, last = [], list(rows), {}, (None, None)
    def want(ok, place, reason): ok or failures.append("%s: %s" % (place, reason))
    try:
        receipts = [json.loads(one, object_pairs_hook=once) for one in texts]
        chain(receipts, want)
        want(head in (None, receipts[-1]["digest"]), "head", "receipts are missing at the end")
        for r in receipts + receipts[::-1]:
            found[r["number"]] = open_rows(r, pool)
        for r in receipts:
            here = lambda ok, place, reason: want(ok, "receipt %s, %s" % (r["number"], place), reason)
            alone(r, here)
            signature(r, by, here)
            salt, sides = found[r["number"]]
            here(salt or not rows or r is not receipts[-1], "rows", "not the rows it is about")
            of = against_rows(r, salt, sides, here) if salt else (None, None)
            here(None in (last[1], of[0]) or last[1] == of[0], "partition before", "not that after the receipt before")
            last = of
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error, OverflowError) as error:
        failures.append("document: %s, %s" % (type(error).__name__, error))
    return failures
def main(arguments):
    paths, options = [], {"--rows": [], "--signed-by": [None], "--head": [None]}
    while arguments:
        one = arguments.pop(0)
        (options[one] if one in options else paths).append(arguments.pop(0) if one in options else one)
    read = lambda path: open(path, encoding="utf-8").read()
    rows = [read_rows(read(path).split("\n")) for path in options["--rows"]]
    failures = verify([read(path) for path in paths], rows, options["--signed-by"][-1], options["--head"][-1])
    print("".join("differs    %s\n" % failure for failure in failures), end="")
    print("refused" if failures else "holds      (weights were not trained again)")
    return 1 if failures else 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
