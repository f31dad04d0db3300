package parse

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// digestVersion is part of what is hashed: another choice of fields is
// another version, so that digests of two versions never meet by accident.
const digestVersion = "1:sepwatch event"

// ContentDigest identifies what happened: the hex SHA-256 of the risk,
// computer, SEPM domain, user, file path and event time. It is the same for
// every mail about one detection, so SEPM's repeats of old events and the
// notices of two servers join (contract: SEPM e-mail §3.3, 1.7).
//
// The action and its outcome are left out because they are state: the same
// event comes again when "Left alone" becomes "Cleaned by deletion". Left
// out are also what another mail about the same event may say differently:
// server, client group, IP addresses, source, description, insert time.
//
// Case is folded in names that Windows and SEPM compare without it (risk,
// computer, domain, user), not in the path, which a Linux endpoint
// distinguishes. Each field goes in with its length, so that no two events
// run together.
//
// An event without a readable time cannot be told from its repeat a month
// later by these fields; its insert time and extra values go in as well, so
// that it is rather reported twice than lost.
//
// An event that names no computer, such as a client security alert, is told
// from others by addresses, the endpoint's and the attacker's, and without a
// time by its description.
func (e Event) ContentDigest() string {
	buf := make([]byte, 0, 512)
	buf = appendPart(buf, digestVersion)
	for _, name := range [...]string{e.Risk, e.Computer, e.Domain, e.User} {
		buf = appendFolded(buf, name)
	}
	buf = appendPart(appendPart(buf, singleBlanks(e.FilePath)), e.EventTime)
	if e.EventTime == "" {
		buf = appendPart(buf, e.InsertedTime)
		for _, label := range slices.Sorted(maps.Keys(e.Extra)) {
			buf = appendPart(appendPart(buf, label), e.Extra[label])
		}
	}
	if e.Computer == "" {
		if e.EventTime == "" {
			buf = appendPart(buf, e.Description)
		}
		buf = appendPart(buf, "addresses")
		for _, addr := range slices.Sorted(slices.Values(e.IPAddresses)) {
			buf = appendPart(buf, addr)
		}
	}
	if a := e.Attack; a != nil {
		for _, part := range [...]string{"attack", a.IP, a.Host, a.Signature, a.SignatureID, a.IntrusionURL, a.Application} {
			buf = appendPart(buf, part)
		}
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:])
}

// singleBlanks makes one blank of several, as HTML does on the way, and of
// those that a mail program puts in their place.
func singleBlanks(path string) string {
	if isPrintable(path) && !strings.Contains(path, "  ") {
		return path
	}
	return strings.Join(strings.Fields(path), " ")
}

func appendPart(buf []byte, part string) []byte {
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(part)))
	return append(buf, part...)
}

// appendFolded appends a name in lower case, without a copy of it where
// that is a matter of ASCII.
func appendFolded(buf []byte, name string) []byte {
	if !isPrintable(name) {
		return appendPart(buf, strings.ToLower(name))
	}
	buf = appendPart(buf, name)
	folded := buf[len(buf)-len(name):]
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return buf
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
