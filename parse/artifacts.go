package parse

import (
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// appendArtifacts adds the artifacts of one event, each type and value once.
// Left out are values that stand for nothing, addresses that name no other
// host, the SYSTEM account, and what the whitelist covers; the event itself
// keeps them all.
func appendArtifacts(list []Artifact, e Event, index int, white *Whitelist) []Artifact {
	list = slices.Grow(list, 8)
	start := len(list)
	add := func(kind incident.ArtifactType, value string) {
		a := Artifact{Type: string(kind), Value: value, Event: index}
		if isNothing(value) || white.Covers(kind, value) || slices.Contains(list[start:], a) {
			return
		}
		list = append(list, a)
	}
	if !isRegistryKey(e.FilePath) {
		add(incident.FilePath, e.FilePath)
		add(incident.FileName, e.FileName)
	}
	add(incident.SystemName, e.Computer)
	for _, written := range e.IPAddresses {
		if addr, ok := artifactAddress(written); ok {
			add(incident.IPAddress, addr)
		}
	}
	if !isSystemAccount(e.User) {
		add(incident.UserAccount, e.User)
	}
	add(incident.MalwareFamily, e.Risk)
	add(incident.MD5Hash, e.Hashes["md5"])
	add(incident.SHA1Hash, e.Hashes["sha1"])
	add(incident.SHA256Hash, e.Hashes["sha256"])
	return list
}

// isSystemAccount reports whether every Windows host has the account, so
// that it says nothing; the French spelling is seen in SEPM's own logs.
func isSystemAccount(user string) bool {
	return strings.EqualFold(user, "SYSTEM") || strings.EqualFold(user, `NT AUTHORITY\SYSTEM`) || strings.EqualFold(user, "Système")
}

// isRegistryKey: SEPM writes the key of a load point where a path stands.
func isRegistryKey(path string) bool { return len(path) > 5 && strings.EqualFold(path[:5], "HKEY_") }

// splitPath gives the last name of a path and, for a file inside an archive
// (C:\a.zip>>b.exe), the path of what contains it.
func splitPath(path string) (name, archive string) {
	if isNothing(path) {
		return "", ""
	}
	inner := path
	if at := strings.LastIndex(path, ">>"); at >= 0 {
		archive, inner = path[:at], path[at+len(">>"):]
	}
	return inner[strings.LastIndexAny(inner, `\/`)+1:], archive
}
