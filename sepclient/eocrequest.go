package sepclient

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// Scan is a search of endpoints for files, an "evidence of compromise" scan
// (A14). Windows clients alone take part.
type Scan struct {
	// Full searches all disks, otherwise common places only.
	Full bool
	// Remediate lets clients quarantine or delete what matches, as their
	// policy says. It works by hash alone, wherever the file is: names beside
	// hashes are left out, and a name without one is refused.
	Remediate bool
	// Description is for people; 1,000 characters of it are sent.
	Description string
	// Evidence is what to search for, all of it in one command.
	Evidence []Evidence
}

// Evidence is one file to search for: by name, by hash, or by both.
type Evidence struct {
	// Name is a file's name or full path, empty for a hash alone.
	Name string
	Hash FileHash
}

// Scan starts a search. What each client found comes with
// [Client.CommandStatus].
func (c *Client) Scan(ctx context.Context, t Targets, s Scan) (Sent, error) {
	cmd := command{op: "scan", name: "eoc"}
	if s.Remediate {
		cmd.op = "remediate"
	}
	document, err := s.document()
	if err != nil {
		return Sent{}, request{op: cmd.op, method: http.MethodPost, path: "/command-queue/eoc"}.fail(Permanent, err.Error(), err)
	}
	cmd.body = xmlBody(document)
	return c.command(ctx, cmd, t)
}

// eocDocument is the request of a scan. Names and order of its elements are
// the contract.
type eocDocument struct {
	XMLName    xml.Name `xml:"EOC"`
	Creator    string   `xml:"creator,attr"`
	Version    string   `xml:"version,attr"`
	ID         string   `xml:"id,attr"`
	DataSource struct {
		Name    string `xml:"name,attr"`
		ID      string `xml:"id,attr"`
		Version string `xml:"version,attr"`
	}
	ScanType          string
	RemediationAction string `xml:",omitempty"` // must follow ScanType
	Threat            struct {
		Category    string `xml:"category,attr"`
		Type        string `xml:"type,attr"`
		Severity    string `xml:"severity,attr"`
		Time        string `xml:"time,attr"`
		Description string
		Attacker    struct{}
	}
	OS eocOS `xml:"Activity>OS"`
}

type eocOS struct {
	ID       string `xml:"id,attr"`
	Name     string `xml:"name,attr"`
	Version  string `xml:"version,attr"`
	Process  struct{}
	Files    []eocFile `xml:"Files>File"`
	Registry struct{}
	Network  struct{}
}

type eocFile struct {
	// Name is empty for a search by hash alone. Another word would be searched
	// for as a name.
	Name   string   `xml:"name,attr"`
	Action string   `xml:"action,attr"`
	Hash   *eocHash // at most one in a File
}

type eocHash struct {
	Name  HashKind `xml:"name,attr"`
	Value string   `xml:"value,attr"`
}

func (s Scan) document() ([]byte, error) {
	d := eocDocument{Creator: "sepwatch", Version: "1.0", ID: "1", ScanType: "QUICK_SCAN"}
	if s.Full {
		d.ScanType = "FULL_SCAN"
	}
	if s.Remediate {
		d.RemediationAction = "REMEDIATE"
	}
	d.Threat.Description = remote.Printable(s.Description)
	d.OS.ID = "0"
	if len(s.Evidence) == 0 {
		return nil, errors.New("there is nothing to search for")
	}
	seen := make(map[Evidence]bool, len(s.Evidence))
	for _, e := range s.Evidence {
		e, err := e.sendable(s.Remediate)
		if err != nil {
			return nil, err
		}
		if !seen[e] {
			seen[e] = true
			d.OS.Files = append(d.OS.Files, e.file())
		}
	}
	return xml.Marshal(d)
}

// Check says why a scan cannot search for the evidence, nil where it can.
func (e Evidence) Check() error {
	_, err := e.sendable(false)
	return err
}

// sendable is the evidence as it is searched for.
func (e Evidence) sendable(remediate bool) (Evidence, error) {
	if e.Hash != (FileHash{}) {
		e.Hash = e.Hash.canonical()
		if err := e.Hash.check(); err != nil {
			return Evidence{}, err
		}
	}
	switch {
	case e == Evidence{}:
		return Evidence{}, errors.New("a piece of evidence has neither name nor hash")
	case e.Name != "":
		if err := checkPath(e.Name); err != nil {
			return Evidence{}, err
		}
	}
	if remediate {
		if e.Hash == (FileHash{}) {
			return Evidence{}, fmt.Errorf("%q has no hash, and remediation works by hash only", remote.Printable(e.Name))
		}
		// With a name the client would report each place of the name as
		// UNSUPPORTED, besides what it did to the hash.
		e.Name = ""
	}
	return e, nil
}

func (e Evidence) file() eocFile {
	f := eocFile{Name: e.Name, Action: "create"}
	if e.Hash != (FileHash{}) {
		f.Hash = &eocHash{e.Hash.Kind, e.Hash.Value}
	}
	return f
}

// checkPath refuses what cannot be a path on Windows. XML could not carry it
// unchanged, and the search would be for something else.
func checkPath(path string) error {
	const most = 32_767
	switch {
	case path == "":
		return errors.New("the path of the file is empty")
	case !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl) || strings.ContainsAny(path, "\ufffe\uffff"):
		return fmt.Errorf("%q is no path of a file", remote.Printable(path))
	case utf8.RuneCountInString(path) > most:
		return fmt.Errorf("the path of the file is longer than %d characters", most)
	}
	return nil
}
