package sepm

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // as SEP names files
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// eocDocument is what an EOC scan looks for (contract: A14).
type eocDocument struct {
	XMLName    xml.Name `xml:"EOC"`
	Creator    string   `xml:"creator,attr"`
	Version    string   `xml:"version,attr"`
	ID         string   `xml:"id,attr"`
	DataSource struct {
		Name    string `xml:"name,attr"`
		ID      string `xml:"id,attr"`
		Version string `xml:"version,attr"`
	} `xml:"DataSource"`
	ScanType    string `xml:"ScanType"`
	Remediation string `xml:"RemediationAction"`
	Threat      struct {
		Category    string `xml:"category,attr"`
		Type        string `xml:"type,attr"`
		Severity    string `xml:"severity,attr"`
		Time        string `xml:"time,attr"`
		Description string `xml:"Description"`
	} `xml:"Threat"`
	OS struct {
		ID      string    `xml:"id,attr"`
		Name    string    `xml:"name,attr"`
		Version string    `xml:"version,attr"`
		Files   []eocFile `xml:"Files>File"`
	} `xml:"Activity>OS"`

	nothing *string // the echo of a client that found nothing
}

// eocFile is one file that is looked for: by its hashes where it has some,
// otherwise by its path or name.
type eocFile struct {
	Name   string    `xml:"name,attr"`
	Action string    `xml:"action,attr"`
	Hashes []eocHash `xml:"Hash"`
}

type eocHash struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// parseEOC reads a document and says what is wrong with it.
func parseEOC(body []byte) (*eocDocument, error) {
	doc := &eocDocument{}
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the document")
	}
	scan, action := bytes.Index(body, []byte("<ScanType")), bytes.Index(body, []byte("<RemediationAction"))
	switch {
	case doc.ScanType != "QUICK_SCAN" && doc.ScanType != "FULL_SCAN":
		return nil, errors.New("the ScanType is neither QUICK_SCAN nor FULL_SCAN")
	case action >= 0 && (action < scan || doc.Remediation != "REMEDIATE"):
		return nil, errors.New("the RemediationAction is not REMEDIATE, or not after the ScanType")
	}
	for i, f := range doc.OS.Files {
		doc.OS.Files[i].Hashes = slices.DeleteFunc(f.Hashes, func(h eocHash) bool { return h.Value == "" })
		for j, h := range doc.OS.Files[i].Hashes {
			if !slices.Contains([]string{"SHA256", "SHA1", "MD5"}, h.Name) {
				return nil, errors.New("the Hash " + h.Name + " is not known")
			}
			doc.OS.Files[i].Hashes[j].Value = strings.ToLower(h.Value)
		}
	}
	return doc, nil
}

// eocCommand is POST /command-queue/eoc: XML, under any content type (A14).
func (s *Server) eocCommand(c *call) error {
	body, err := c.read()
	if err != nil {
		return err
	}
	doc, err := parseEOC(body)
	if err != nil && !s.opt.EOCPassedOn {
		return fail(http.StatusBadRequest, "The EOC document is invalid: %v", err)
	}
	return s.order(c, c.r.URL.Query(), false, command{kind: eocScan, eoc: doc, body: string(body)})
}

// match is one Matched of a result (contract: A15).
type match struct {
	result, path        string
	hashType, hashValue string // the value where the search was not by it
	remediation         string
}

// digest is a file's hash, in lower case.
func (f File) digest(kind string) string {
	switch kind {
	case "MD5":
		sum := md5.Sum(f.Content) //nolint:gosec // as SEP names files
		return hex.EncodeToString(sum[:])
	case "SHA1":
		sum := sha1.Sum(f.Content) //nolint:gosec // as above
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(f.Content)
	return hex.EncodeToString(sum[:])
}

// base is a path's last name, on any system.
func base(path string) string { return path[strings.LastIndexAny(path, `\/`)+1:] }

// matches says whether and how a file is what is looked for.
func (e eocFile) matches(f File, meaning PartialMatch) (match, bool) {
	named := match{path: f.Path, hashType: "SHA256"}
	samePath := strings.EqualFold(e.Name, f.Path)
	if len(e.Hashes) > 0 {
		for _, h := range e.Hashes {
			if f.digest(h.Name) == h.Value {
				return match{result: "HASH_MATCH", path: f.Path, hashType: h.Name}, true
			}
		}
		named.result = "PARTIAL_MATCH"
		return named.hashed(f), samePath && meaning == PartialHash
	}
	isPath := base(e.Name) != e.Name
	switch {
	case e.Name == "":
		return match{}, false
	case samePath || !isPath && strings.EqualFold(e.Name, base(f.Path)):
		named.result = "FULL_MATCH"
	case isPath && meaning == PartialPlace && strings.EqualFold(base(e.Name), base(f.Path)):
		named.result = "PARTIAL_MATCH"
	default:
		return match{}, false
	}
	return named.hashed(f), true
}

func (m match) hashed(f File) match {
	m.hashValue = f.digest(m.hashType)
	return m
}

// finishEOC has a client scan, remediate and echo the document.
func (s *Server) finishEOC(t *target, at time.Time, outcome Outcome) {
	doc, client := t.eoc, t.client
	if doc == nil {
		outcome.State, outcome.SubState = stateError, 6
		t.end(at, outcome, "")
		return
	}
	found := make([][]match, len(doc.OS.Files))
	var hits int
	gone := map[string]bool{}
	for i, e := range doc.OS.Files {
		for _, f := range client.Files {
			m, ok := e.matches(f, s.opt.PartialMatch)
			if !ok || f.Remote && doc.ScanType == "QUICK_SCAN" {
				continue
			}
			if doc.Remediation != "" {
				m.remediation = "UNSUPPORTED"
				if m.result == "HASH_MATCH" {
					m.remediation = "FAILED"
					if !f.Stuck {
						m.remediation = "SUCCEEDED"
						gone[f.Path] = true
					}
				}
			}
			found[i] = append(found[i], m)
			hits++
		}
	}
	if len(gone) > 0 {
		var kept []File // a new slice: the old one may be the test's
		for _, f := range client.Files {
			if gone[f.Path] {
				client.contained = append(client.contained, f)
			} else {
				kept = append(kept, f)
			}
		}
		client.Files = kept
	}
	var result *string
	switch {
	case hits > 0:
		text := doc.echo(found)
		result = &text
	case doc.nothing == nil: // most clients say the same
		text := doc.echo(found)
		doc.nothing = &text
		fallthrough
	default:
		result = doc.nothing
	}
	t.end(at, outcome, "")
	t.result = result
	kind := client.EOCResult
	if kind == EOCWhole {
		kind = s.opt.EOCResult
	}
	switch kind {
	case EOCEmpty:
		t.result = new(string)
	case EOCNull:
		t.result = nil
	case EOCCut:
		half := (*result)[:len(*result)/2]
		t.result = &half
	}
}

// echo is the document as a client sends it back (contract: A15): the threat
// enlarged, attributes in another order, empty hashes gone, hashes in lower
// case, and what was found inside of each file.
func (d *eocDocument) echo(found [][]match) string {
	var b strings.Builder
	put := func(texts ...string) {
		for i, text := range texts {
			if i%2 == 1 {
				// Strings.Builder never fails.
				_ = xml.EscapeText(&b, []byte(text))
			} else {
				b.WriteString(text)
			}
		}
	}
	put(`<EOC creator="`, d.Creator, `" version="`, d.Version, `" id="`, d.ID, "\">\n")
	put(`    <DataSource name="`, d.DataSource.Name, `" id="`, d.DataSource.ID, `" version="`, d.DataSource.Version, "\"/>\n")
	put("    <ScanType>", d.ScanType, "</ScanType>\n")
	if d.Remediation != "" {
		put("    <RemediationAction>", d.Remediation, "</RemediationAction>\n")
	}
	put(`    <Threat time="`, d.Threat.Time, `" severity="`, d.Threat.Severity, `" type="`, d.Threat.Type, `" category="`, d.Threat.Category, "\">\n")
	put("        <Description>", d.Threat.Description, "</Description>\n        <URL></URL>\n        <User></User>\n        <Attacker>\n        </Attacker>\n"+
		"        <proxy ip=\"\"/>\n        <Application></Application>\n    </Threat>\n    <Activity>\n")
	put(`        <OS id="`, d.OS.ID, `" name="`, d.OS.Name, `" version="`, d.OS.Version, "\">\n            <Process>\n            </Process>\n            <Files>\n")
	for i, f := range d.OS.Files {
		put(`                <File name="`, f.Name, `" action="`, f.Action, "\">\n")
		for _, h := range f.Hashes {
			put(`                    <Hash name="`, h.Name, `" value="`, h.Value, "\"/>\n")
		}
		if len(found[i]) == 0 {
			put("                    <Matched result=\"NO_MATCH\"/>")
		}
		for j, m := range found[i] {
			if j > 0 {
				put("\n")
			}
			put(`                    <Matched result="`, m.result, `" value="`, m.path, `"`)
			if m.remediation != "" {
				put(` remediation="`, m.remediation, `"`)
			}
			put(` hashType="`, m.hashType, `"`)
			if m.hashValue != "" {
				put(` hashValue="`, m.hashValue, `"`)
			}
			put("/>")
		}
		put("</File>\n")
	}
	put("            </Files>\n            <Registry>\n            </Registry>\n            <Network/>\n        </OS>\n    </Activity>\n</EOC>")
	return b.String()
}
