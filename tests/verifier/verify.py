#!/usr/bin/env python3
"""An independent verifier of receipts, version 2, written from crate/docs/receipt.md alone.

    verify.py RECEIPT... [--rows FILE]... [--signed-by KEY] [--head DIGEST]

FILE holds the rows before or after one of the changes, one JSON array a line (`ultrare verify ... --rows FILE`). Checks what
receipts say about themselves, each other and the rows: digests, seals, roots, absence, names, partition, chain, signature. It does
not train: weights stay the receipts' word. Prints one line for each thing that fails; exit code 1 if anything does.
"""
import hashlib
import json
import struct
import sys

DIGITS = set("0123456789abcdef")


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def text(s):
    b = s.encode()
    return u64(len(b)) + b


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def unhex(s):
    if not (isinstance(s, str) and len(s) == 64 and set(s) <= DIGITS):
        raise ValueError("no digest: %r" % (s,))
    return bytes.fromhex(s)


def once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a member is given twice")
    return dict(pairs)


def value(v):
    if v is None or v is False or v is True:
        return bytes([{None: 0, False: 1, True: 2}[v]])
    if isinstance(v, float) and v == int(v) and abs(v) <= 2**53:
        v = int(v)
    if isinstance(v, int):
        return b"\3" + v.to_bytes(16, "little", signed=True)
    if isinstance(v, float):
        return b"\4" + struct.pack("<d", v)
    if isinstance(v, str):
        return b"\5" + text(v)
    if isinstance(v, list):
        return b"\6" + u64(len(v)) + b"".join(map(value, v))
    members = sorted(v.items(), key=lambda member: member[0].encode())
    return b"\7" + u64(len(v)) + b"".join(b"\5" + text(name) + value(inside) for name, inside in members)


def json_digest(domain, v):
    return H(b"\5" + text(domain), value(v))


def without(document, *names):
    return {name: v for name, v in document.items() if name not in names}


class Rows:
    """Rows sorted by user and item: (user, item, payload, fate)."""

    def __init__(self, lines):
        rows = [json.loads(line) for line in lines if line.strip()]
        self.rows = sorted(
            ((u, i, struct.pack("<fqB", v, t, fate + 16 * consent), fate) for u, i, v, t, fate, consent in rows),
            key=lambda row: (row[0].encode(), row[1].encode()),
        )
        self.digest = self.make_digest()

    @classmethod
    def of(cls, rows):
        made = cls([])
        made.rows = rows
        made.digest = made.make_digest()
        return made

    def make_digest(self):
        users, items = (sorted({row[at] for row in self.rows}, key=str.encode) for at in (0, 1))
        number = [{name: at for at, name in enumerate(names)} for names in (users, items)]
        parts = [text("ultrare rows 2")]
        for names in (users, items):
            parts += [u64(len(names))] + [text(name) for name in names]
        parts += [u64(len(self.rows))] + [u32(number[0][u]) + u32(number[1][i]) + p for u, i, p, _ in self.rows]
        return H(*parts)


class Salt:
    def __init__(self, salt):
        self.salt, self.known = salt, {}
        self.blind = H(text("ultrare blind 2"), salt)[:8]
        self.check = H(text("ultrare check 2"), salt)

    def name(self, kind, name):
        if (kind, name) not in self.known:
            self.known[kind, name] = H(text("ultrare %s 2" % kind), self.salt, text(name))
        return self.known[kind, name]

    def key(self, row, by_item=False):
        user, item = self.name("user", row[0])[:16], self.name("item", row[1])[:16]
        return item + user if by_item else user + item


def pad(rows, number, moment):
    return H(text("ultrare pad 2"), rows.digest, u32(number), u32(moment))


def levels(leaves):
    found = [[H(b"\0", *leaf) for leaf in leaves]]
    while len(found[-1]) > 1:
        below = found[-1]
        found.append([H(b"\1", *below[at:at + 2]) if at + 1 < len(below) else below[at] for at in range(0, len(below), 2)])
    return found


def root(count, top):
    return {"rows": count, "digest": H(b"\2", u64(count), top).hex()}


def tree(rows, salt, by_item=False):
    leaves = sorted((key, H(b"\3", salt.blind, key, row[2])) for row in rows for key in [salt.key(row, by_item)])
    return root(len(leaves), b"".join(levels(leaves)[-1]))


def opened(proof, stated):
    """The leaves of a proof that leads to its root."""
    leaves = [(leaf["at"], unhex(leaf["key"]), unhex(leaf["content"])) for leaf in proof["leaves"]]
    ascending = all(a[0] < b[0] and a[1] <= b[1] for a, b in zip(leaves, leaves[1:]))
    if not ascending or any(leaf[0] >= stated["rows"] for leaf in leaves):
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
                near = rest.pop(0)[1] if rest and rest[0][0] == at + 1 else siblings.pop(0)
                node = H(b"\1", node, near)
            above.append((at // 2, node))
        nodes, count = above, (count + 1) // 2
    leads = root(stated["rows"], nodes[0][1]) == stated if nodes else stated["rows"] > 0 or root(0, b"") == stated
    if siblings or not leads:
        raise ValueError("does not lead to the root")
    return leaves


def absent(proof, stated, ranges):
    if (proof is None) != (not ranges):
        return "a proof is there exactly when something is to be absent"
    leaves = opened(proof, stated) if ranges else []
    for low, high in ranges:
        inside = [leaf for leaf in leaves if low <= leaf[1] <= high]
        below = [leaf[0] for leaf in leaves if leaf[1] < low]
        above = [leaf[0] for leaf in leaves if leaf[1] > high]
        if (above[0] if above else stated["rows"]) - (below[-1] + 1 if below else 0) != len(inside):
            return "a gap"
        if inside:
            return "a row that went is still there"
    return None


def ranges(change):
    came = [tuple(pair) for pair in change["came"]["interactions"]]
    prefix = lambda name: (unhex(name)[:16] + bytes(16), unhex(name)[:16] + b"\xff" * 16)
    keys = [unhex(u)[:16] + unhex(i)[:16] for u, i in change["gone"]["interactions"] if (u, i) not in came]
    users = [prefix(name) for name in change["gone"]["users"]] + [(key, key) for key in keys]
    return users, [prefix(name) for name in change["gone"]["items"]]


def named(one, other, salt):
    rows, there = [row for row in one.rows if row not in set(other.rows)], [{row[at] for row in other.rows} for at in (0, 1)]
    stay = {row[1] for row in one.rows if row[0] in there[0]}
    users = {row[0] for row in one.rows} - there[0]
    items = ({row[1] for row in one.rows} - there[1]) & stay
    left = [row for row in rows if row[0] not in users and row[1] not in items]
    hashed = lambda kind, names: sorted(salt.name(kind, name).hex() for name in names)
    pairs = sorted([salt.name("user", row[0]).hex(), salt.name("item", row[1]).hex()] for row in left)
    return {"rows": len(rows), "users": hashed("user", users), "items": hashed("item", items), "interactions": pairs}


def find(names, rows, salt):
    users, items, pairs = set(names["users"]), set(names["items"]), {tuple(pair) for pair in names["interactions"]}
    hashes = [(salt.name("user", row[0]).hex(), salt.name("item", row[1]).hex(), row) for row in rows.rows]
    return [row for u, i, row in hashes if u in users or i in items or (u, i) in pairs]


def shards_of(assigned, rows, salt):
    """Shard by (user, item), and the partition's digest over ids of K shards."""
    training = [row for row in rows.rows if row[3] != 2]
    of_user = lambda row: salt.name("user", row[0])
    order = sorted({row[0] for row in training}, key=lambda user: salt.name("user", user))
    by_user = assigned["per"] == "user"
    order = order if by_user else [row[:2] for row in sorted(training, key=salt.key)]
    if len(order) != len(assigned["shard_of"]):
        raise ValueError("%d shards are listed for %d" % (len(assigned["shard_of"]), len(order)))
    shard = dict(zip(order, assigned["shard_of"]))
    return {row[:2]: shard[row[0] if by_user else row[:2]] for row in training}


def partition(of, shards):
    parts, users = [text("ultrare partition 1"), u32(shards)], {}
    for (user, item), shard in sorted(of.items(), key=lambda one: (one[0][0].encode(), one[0][1].encode())):
        users.setdefault(user, []).append((item, shard))
    for user, rows in users.items():
        parts.append(text(user))
        if len({shard for _, shard in rows}) == 1:
            parts.append(u32(1) + u32(rows[0][1]))
        else:
            parts += [u32(2) + u32(len(rows))] + [text(item) + u32(shard) for item, shard in rows]
    return H(*parts), all(len({shard for _, shard in rows}) == 1 for rows in users.values())


def alone(r, fail):
    if (r["format"], r["version"]) != ("ultrare receipt", 2):
        return fail("format", "not a receipt of version 2")
    if json_digest("ultrare receipt 2", without(r, "digest", "signature")).hex() != r["digest"]:
        fail("digest", "the receipt was changed after it was written")
    arms = ["metrics." + arm for arm in r["metrics"] if arm != "unlearned"]
    if r["stated"] != sorted(arms + ["code", "protocol.mode", "reading", "request", "seconds", "settings"]):
        fail("stated", "not the members that nobody can check")
    if r["number"] < 1 or (r["number"] == 1) != (r["previous"] is None):
        fail("number", "only the first receipt has none before it")
    change, before, after = r["change"], r["data"]["before"], r["data"]["after"]
    for names in (r["request"], change["gone"], change["came"]):
        if any(names[kind] != sorted(map(list, set(map(tuple, names[kind]))) if kind == "interactions" else set(names[kind]))
               for kind in ("users", "items", "interactions")):
            fail("names", "not ascending")
    if (sum(len(r["request"][kind]) for kind in ("users", "items", "interactions")) > 1) != (r["protocol"]["order"] == "batch"):
        fail("order", "not that of the names asked for")
    if r["settings"] is not None and r["settings"].get("seed", r["seed"]) != r["seed"]:
        fail("seed", "another than among the settings")
    trees = lambda state: state["shards"] + [state["test"]]
    if len({len(before["shards"]), len(after["shards"]), len(r["shards"])}) != 1:
        return fail("shards", "not the same number everywhere")
    count = [sum(one["by_user"]["rows"] for one in trees(state)) for state in (before, after)]
    if count[0] + change["came"]["rows"] != count[1] + change["gone"]["rows"]:
        fail("change", "rows before and after do not fit what went and came")
    if any((count[at] > 0) != (r["data"]["seals"][moment] is not None) for at, moment in enumerate(("before", "after"))):
        fail("seals", "one for each side that has rows")
    proofs, (users, items) = list(r["data"]["absent"]), ranges(change)
    for at, (was, now) in enumerate(zip(trees(before), trees(after))):
        place = "shard %d" % at if at < len(r["shards"]) else "test rows"
        if any((one["by_item"] is not None) != bool(items) or one["by_item"] and one["by_item"]["rows"] != one["by_user"]["rows"]
               for one in (was, now)):
            fail(place, "the tree by item is there exactly when whole items went")
        elif was != now:
            absence = proofs.pop(0) if proofs else {"shard": -1}
            if absence["shard"] != (at if at < len(r["shards"]) else None):
                fail(place, "no proof of absence")
                break
            for by, wanted in (("by_user", users), ("by_item", items)):
                try:
                    wrong = absent(absence[by], now[by], wanted)
                except (ValueError, IndexError) as error:
                    wrong = str(error) or "broken"
                if wrong:
                    fail(place, "proof %s: %s" % (by, wrong))
        if at < len(r["shards"]):
            s = r["shards"][at]
            stated = (s["shard"], s["touched"], s["rows_before"], s["rows_after"], s["before"] is None, s["after"] is None)
            rows = (was["by_user"]["rows"], now["by_user"]["rows"])
            if stated != (at, was != now, *rows, rows[0] == 0, rows[1] == 0) or was == now and s["before"] != s["after"]:
                fail(place, "the shard's entry does not fit its trees")
    if proofs:
        fail("absent", "a proof that belongs to no tree")


def chain(receipts, fail):
    for a, b in zip(receipts, receipts[1:]):
        if b["previous"] != a["digest"] or b["number"] != a["number"] + 1:
            fail("chain", "receipt %s does not follow receipt %s" % (b["number"], a["number"]))
        models = [[s["after"] for s in a["shards"]], [s["before"] for s in b["shards"]]]
        rows = [sum(t["by_user"]["rows"] for t in s["shards"] + [s["test"]]) for s in (a["data"]["after"], b["data"]["before"])]
        if models[0] != models[1] or a["combiner"]["after"] != b["combiner"]["before"] or rows[0] != rows[1]:
            fail("chain", "receipt %s does not begin where receipt %s ends" % (b["number"], a["number"]))


def open_rows(r, pool):
    """The salt, and the rows of both sides as far as they follow from those at hand."""
    salt, sides, seals, change = None, [None, None], r["data"]["seals"], r["change"]
    for rows in list(pool):
        for moment, seal in enumerate((seals["before"], seals["after"])):
            tried = Salt(xor(unhex(seal), pad(rows, r["number"], moment))) if seal else None
            if not tried or tried.check.hex() != seals["check"]:
                continue
            salt, sides[moment] = tried, rows
            out, other = (change["gone"], change["came"]) if moment == 0 else (change["came"], change["gone"])
            gone = set(find(out, rows, salt))
            if sides[1 - moment] is None and other["rows"] == 0 and len(gone) == out["rows"]:
                sides[1 - moment] = Rows.of([row for row in rows.rows if row not in gone])
                pool.append(sides[1 - moment])
    return salt, sides


def against_rows(r, salt, sides, fail):
    if json_bound(r, salt) != r["bound"]:
        fail("bound", "changed by somebody who does not have the rows")
    shards, of, data = len(r["data"]["before"]["shards"]), [None, None], r["data"]
    for moment, name in enumerate(("before", "after")):
        rows, assigned, state = sides[moment], r["partition"][name], data[name]
        if rows is None:
            continue
        seal = xor(salt.salt, pad(rows, r["number"], moment)).hex() if rows.rows else None
        if data["seals"][name] != seal:
            fail("seal " + name, "does not hold the salt")
        try:
            of[moment] = shards_of(assigned, rows, salt)
        except ValueError as error:
            fail("partition " + name, str(error))
            continue
        digest, together = partition(of[moment], shards)
        if H(text("ultrare blinded partition 2"), salt.salt, digest).hex() != assigned["digest"] or together != (assigned["per"] == "user"):
            fail("partition " + name, "not that of the listed shards")
        for at, stated in enumerate(state["shards"] + [state["test"]]):
            inside = [row for row in rows.rows if of[moment].get(row[:2], shards) == at]
            for by in ("by_user", "by_item"):
                if stated[by] is not None and tree(inside, salt, by == "by_item") != stated[by]:
                    fail("rows " + name, "tree %d %s is not that of these rows" % (at, by))
    if None not in sides:
        for name, found in (("gone", named(sides[0], sides[1], salt)), ("came", named(sides[1], sides[0], salt))):
            if r["change"][name] != found:
                fail("change", "not what " + name)
        asked, stayed = find(r["request"], sides[0], salt), set(sides[1].rows)
        known = {salt.name(kind, row[at]).hex() for at, kind in enumerate(("user", "item")) for row in sides[0].rows}
        pairs = {(salt.name("user", row[0]).hex(), salt.name("item", row[1]).hex()) for row in sides[0].rows}
        if not set(r["request"]["users"] + r["request"]["items"]) <= known or not {tuple(p) for p in r["request"]["interactions"]} <= pairs:
            fail("request", "a name that was not there")
        if any(row in stayed for row in asked):
            fail("request", "a row asked for is still there")
    if None not in of and not r["protocol"]["divided_again"] and any(of[0].get(row, s) != s for row, s in of[1].items()):
        fail("partition", "somebody moved, though it was kept")
    return of


def json_bound(r, salt):
    return H(text("ultrare bound 2"), salt.salt, json_digest("ultrare bound content 2", without(r, "bound", "digest", "signature"))).hex()


def signature(r, by, fail):
    signed = r.get("signature")
    if by is not None and (signed or {}).get("key") != by:
        return fail("signed by", "%s, not %s" % ((signed or {}).get("key", "nobody"), by))
    if signed is None:
        return
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return print("unchecked  signature: the package `cryptography` is not installed")
    try:
        public, made = Ed25519PublicKey.from_public_bytes(unhex(signed["key"])), signed["signature"]
        if len(made) != 128 or not set(made) <= DIGITS:
            raise ValueError("not 128 digits")
        public.verify(bytes.fromhex(made), ("ultrare receipt 2 %s\n" % r["digest"]).encode())
    except (InvalidSignature, ValueError):
        fail("signature", "wrong")


def verify(texts, rows, by=None, head=None):
    """What fails, as (place, reason)."""
    failures = []
    try:
        receipts = [json.loads(one, object_pairs_hook=once) for one in texts]
        for r in receipts:
            fail = lambda place, reason: failures.append(("receipt %s, %s" % (r["number"], place), reason))
            alone(r, fail)
            signature(r, by, fail)
        chain(receipts, lambda place, reason: failures.append((place, reason)))
        if head is not None and receipts[-1]["digest"] != head:
            failures.append(("head", "receipts are missing at the end"))
        pool, last, found = list(rows), (None, None), {}
        for r in receipts + receipts[::-1]:
            salt, sides = open_rows(r, pool)
            found[r["number"]] = (salt, sides)
        for r in receipts:
            salt, sides = found[r["number"]]
            if rows and salt is None and r is receipts[-1]:
                failures.append(("receipt %s, rows" % r["number"], "not the rows it is about"))
            if salt:
                fail = lambda place, reason: failures.append(("receipt %s, %s" % (r["number"], place), reason))
                of = against_rows(r, salt, sides, fail)
                if None not in (last[1], of[0]) and last[1] != of[0]:
                    fail("partition before", "not that after the receipt before")
                last = of
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error, OverflowError) as error:
        failures.append(("document", "%s: %s" % (type(error).__name__, error)))
    return failures


def main(arguments):
    paths, options = [], {"--rows": [], "--signed-by": [], "--head": []}
    while arguments:
        one = arguments.pop(0)
        options[one].append(arguments.pop(0)) if one in options else paths.append(one)
    read = lambda path: open(path, encoding="utf-8").read()
    rows = [Rows(read(path).splitlines()) for path in options["--rows"]]
    failures = verify([read(path) for path in paths], rows, *(options[name][-1] if options[name] else None for name in ("--signed-by", "--head")))
    for place, reason in failures:
        print("differs    %s: %s" % (place, reason))
    print("refused" if failures else "holds      (weights were not trained again)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
