package parse

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
	"github.com/sepwatch/sepwatch/parse/mime"
)

// artifacts are the values of an alert that are worth looking up, each type
// and value once an event, and beside them those that the whitelist holds
// back. Left out are values that stand for nothing, addresses that name no
// other host, accounts that every host has, and what Resilient would refuse;
// the events keep them all.
func (r *Reader) artifacts(a *Alert, m *mime.Message, note *note, warn *mime.Warnings) ([]Artifact, []Whitelisted) {
	c := collector{words: r.words, white: r.whitelist, note: note, warn: warn, found: make([]Artifact, 0, 8*len(a.Events)), held: []Whitelisted{}}
	for i := range a.Events {
		c.event, c.start, c.heldStart, c.free = i, len(c.found), len(c.held), 0
		c.labelled(&a.Events[i])
	}
	if len(a.Events) == 0 && !a.Kind.Operational() {
		c.event = -1
		c.freely(a.Text, a.From)
		for _, link := range links(m) {
			c.freely(link, a.From)
		}
	}
	return c.found, c.held
}

// collector gathers the artifacts of one alert.
type collector struct {
	words *Vocabulary
	white *Whitelist
	note  *note
	warn  *mime.Warnings
	found []Artifact
	held  []Whitelisted
	// event is the one that is looked at, and the others are where its values
	// begin.
	event, start, heldStart int
	free                    int // values in free text that were looked at
}

// maxFree is how many values of one event's free texts are looked at. Nobody
// looks up more, and each costs Resilient an artifact.
const maxFree = 500

// labelled adds what has a label of its own, and then what a description and
// other texts name.
func (c *collector) labelled(e *Event) {
	if indicator.Accepts(incident.RegistryKey, e.FilePath) { // SEPM writes the key of a load point where a path stands
		c.add(incident.RegistryKey, e.FilePath, "")
	} else {
		c.add(incident.FilePath, e.FilePath, "")
		c.add(incident.FileName, e.FileName, "")
	}
	c.add(incident.SystemName, e.Computer, "")
	for _, written := range e.IPAddresses {
		c.address(written)
	}
	if c.words.isSystemAccount(e.User) {
		c.note.leave(c.event, incident.UserAccount, e.User, "every host has the account")
	} else {
		c.add(incident.UserAccount, e.User, "")
	}
	c.add(incident.MalwareFamily, e.Risk, "")
	c.add(incident.MD5Hash, e.Hashes["md5"], "")
	c.add(incident.SHA1Hash, e.Hashes["sha1"], "")
	c.add(incident.SHA256Hash, e.Hashes["sha256"], "")
	if e.Attack != nil {
		c.attack(e.Attack)
	}
	if e.Description != "" {
		c.freely(e.Description, "")
	}
	for _, label := range slices.Sorted(maps.Keys(e.Extra)) {
		c.freely(label+": "+e.Extra[label], "")
	}
}

func (c *collector) attack(a *Attack) {
	c.address(a.IP)
	if strings.Contains(a.Host, ".") {
		c.add(incident.DNSName, a.Host, "")
	} else {
		c.add(incident.SystemName, a.Host, "")
	}
	for _, written := range [...]string{a.IntrusionURL, a.PayloadURL} {
		whole := indicator.Accepts(incident.URL, written)
		if whole {
			c.add(incident.URL, written, "")
		}
		for _, i := range indicator.Find(written) {
			if i.Type != incident.URL || !whole {
				c.add(i.Type, i.Value, "")
			}
		}
	}
}

// address adds an address without its zone, which means something on one host
// only, unless it names no other host.
func (c *collector) address(written string) {
	addr, err := netip.ParseAddr(written)
	if err != nil {
		return
	}
	if isNoHost(addr) {
		c.note.leave(c.event, incident.IPAddress, written, "it names no other host")
		return
	}
	c.add(incident.IPAddress, addr.WithZone("").String(), "")
}

// freely adds what stands in free text. The alert's own sender is none of
// its findings.
func (c *collector) freely(text, sender string) {
	_, domain, _ := strings.Cut(sender, "@")
	if c.free > maxFree {
		return
	}
	for _, i := range indicator.Find(text) {
		if c.free++; c.free > maxFree {
			c.warn.Add("only the first %d values in free text are looked at", maxFree)
			return
		}
		if sender != "" && (strings.EqualFold(i.Value, sender) || strings.EqualFold(i.Value, domain)) {
			c.note.leave(c.event, i.Type, i.Value, "it is the sender of the alert")
			continue
		}
		c.add(i.Type, i.Value, LowConfidence)
	}
}

// add takes a value in, unless it is there already, stands for nothing, is
// whitelisted or would be refused.
func (c *collector) add(kind incident.ArtifactType, value, confidence string) {
	if c.words.isNothing(value) {
		return
	}
	if slices.ContainsFunc(c.found[c.start:], func(a Artifact) bool { return a.Type == string(kind) && a.Value == value }) {
		return
	}
	if !indicator.Accepts(kind, value) {
		c.note.leave(c.event, kind, value, "Resilient would refuse it")
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

// splitPath gives the last name of a path and, for a file inside an archive
// (C:\a.zip>>b.exe), the path of what contains it.
func splitPath(path string) (name, archive string) {
	inner := path
	if at := strings.LastIndex(path, ">>"); at >= 0 {
		archive, inner = path[:at], path[at+len(">>"):]
	}
	return inner[strings.LastIndexAny(inner, `\/`)+1:], archive
}
