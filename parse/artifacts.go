package parse

import (
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// artifacts are the values of an alert that are worth looking up, each type
// and value once an event, and beside them those that the whitelist holds
// back. Left out are values that stand for nothing, addresses that name no
// other host, accounts that every host has, and what Resilient would refuse;
// the events keep them all.
func (r *Reader) artifacts(a *Alert) ([]Artifact, []Whitelisted) {
	c := collector{words: r.words, white: r.whitelist, found: make([]Artifact, 0, 8*len(a.Events)), held: []Whitelisted{}}
	for i := range a.Events {
		c.event, c.start, c.heldStart = i, len(c.found), len(c.held)
		c.labelled(&a.Events[i])
	}
	return c.found, c.held
}

// collector gathers the artifacts of one alert.
type collector struct {
	words *Vocabulary
	white *Whitelist
	found []Artifact
	held  []Whitelisted
	// event is the one that is looked at, and the others are where its values
	// begin.
	event, start, heldStart int
}

// labelled adds what has a label of its own.
func (c *collector) labelled(e *Event) {
	if isRegistryKey(e.FilePath) {
		c.add(incident.RegistryKey, e.FilePath, "")
	} else {
		c.add(incident.FilePath, e.FilePath, "")
		c.add(incident.FileName, e.FileName, "")
	}
	c.add(incident.SystemName, e.Computer, "")
	for _, written := range e.IPAddresses {
		if addr, ok := artifactAddress(written); ok {
			c.add(incident.IPAddress, addr, "")
		}
	}
	if !c.words.isSystemAccount(e.User) {
		c.add(incident.UserAccount, e.User, "")
	}
	c.add(incident.MalwareFamily, e.Risk, "")
	c.add(incident.MD5Hash, e.Hashes["md5"], "")
	c.add(incident.SHA1Hash, e.Hashes["sha1"], "")
	c.add(incident.SHA256Hash, e.Hashes["sha256"], "")
	if e.Attack != nil {
		c.attack(e.Attack)
	}
}

func (c *collector) attack(a *Attack) {
	if addr, ok := attackerOf(a); ok {
		c.add(incident.IPAddress, addr, "")
	}
	if strings.Contains(a.Host, ".") {
		c.add(incident.DNSName, a.Host, "")
	} else {
		c.add(incident.SystemName, a.Host, "")
	}
}

// add takes a value in, unless it is there already, stands for nothing or is
// whitelisted.
func (c *collector) add(kind incident.ArtifactType, value, confidence string) {
	if c.words.isNothing(value) {
		return
	}
	if slices.ContainsFunc(c.found[c.start:], func(a Artifact) bool { return a.Type == string(kind) && a.Value == value }) {
		return
	}
	if entry, covered := c.white.Covers(kind, value); covered {
		w := Whitelisted{Type: string(kind), Value: value, Event: c.event, Entry: entry}
		if !slices.Contains(c.held[c.heldStart:], w) {
			c.held = append(c.held, w)
		}
		return
	}
	c.found = append(c.found, Artifact{Type: string(kind), Value: value, Event: c.event, Confidence: confidence})
}

// isRegistryKey: SEPM writes the key of a load point where a path stands.
func isRegistryKey(path string) bool { return len(path) > 5 && strings.EqualFold(path[:5], "HKEY_") }

// splitPath gives the last name of a path and, for a file inside an archive
// (C:\a.zip>>b.exe), the path of what contains it.
func splitPath(path string) (name, archive string) {
	inner := path
	if at := strings.LastIndex(path, ">>"); at >= 0 {
		archive, inner = path[:at], path[at+len(">>"):]
	}
	return inner[strings.LastIndexAny(inner, `\/`)+1:], archive
}
