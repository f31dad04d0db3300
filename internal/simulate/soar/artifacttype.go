package soar

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// artifactType is a type of artifact (contract: §3.3).
type artifactType struct {
	ID    int
	Name  string
	File  bool // its value is a file
	Multi bool // several values in one are split
	// pattern is what the whole value must match; nil is anything.
	pattern *regexp.Regexp
}

// newArtifactTypes are the server's own types. Missing numbers are unused.
func newArtifactTypes(opt *Options) []*artifactType {
	var all []*artifactType
	for id, name := range map[int]string{
		1: "IP Address", 2: "DNS Name", 3: "URL", 4: "RFC 822 Email Message File", 5: "Email Subject", 6: "Email Body", 7: "Email Attachment",
		8: "Email Attachment Name", 9: "Email Sender", 12: "Malware Sample", 13: "Malware MD5 Hash", 14: "Malware SHA-1 Hash", 15: "Log File",
		16: "Other File", 19: "Email Sender Name", 20: "Email Recipient", 22: "Malware Sample Fuzzy Hash", 23: "User Account", 24: "Registry Key",
		25: "System Name", 26: "Process Name", 27: "Port", 28: "Service", 29: "String", 30: "Mutex", 31: "File Name", 32: "Password",
		34: "HTTP Request Header", 35: "HTTP Response Header", 36: "X509 Certificate File", 37: "File Path", 38: "Malware SHA-256 Hash",
		39: "MAC Address", 40: "URL Referer", 41: "User Agent", 42: "URI Path", 43: "Threat CVE ID", 44: "Network CIDR Range",
		45: "Malware Family/Variant", 46: "Observed Data", 47: "Network Traffic", 48: "Malware SHA-512 Hash",
	} {
		if !slices.Contains(opt.NoArtifactTypes, name) {
			all = append(all, &artifactType{ID: id, Name: name})
		}
	}
	slices.SortFunc(all, func(a, b *artifactType) int { return a.ID - b.ID })
	for _, t := range all {
		t.File = slices.Contains([]int{4, 7, 12, 15, 16, 36}, t.ID)
		if pattern, ok := valuePatterns()[t.ID]; ok {
			t.pattern = regexp.MustCompile(`^(?:` + pattern + `)$`)
		}
		hash := slices.Contains([]int{13, 14, 38, 48}, t.ID)
		t.Multi = slices.Contains([]int{1, 2, 3, 34, 35, 39, 43, 44}, t.ID) || hash && !opt.before(45)
	}
	return all
}

// valuePatterns are the patterns of values by type id, in a syntax that Java
// and Go share.
func valuePatterns() map[int]string {
	quad := `0*(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])`
	v4 := quad + `(?:\.` + quad + `){3}`
	const h = `[0-9a-fA-F]{1,4}`
	v6 := []string{`(?:` + h + `:){7}` + h, `(?:` + h + `:){1,7}:`, `:(?:(?::` + h + `){1,7}|:)`, `::(?:[fF]{4}:)?` + v4}
	for after := 1; after <= 6; after++ {
		v6 = append(v6, fmt.Sprintf(`(?:%s:){1,%d}(?::%[1]s){1,%d}`, h, 7-after, after))
	}
	ip := v4 + `|` + strings.Join(v6, `|`)
	url := `(?:https?|file|gopher|ftp)://\S+`
	header := `[^\s:]+:\s*.+`
	hash := func(digits int) string { return `(?:0x)?[0-9a-fA-F]{` + strconv.Itoa(digits) + `}` }
	return map[int]string{
		1: `\s*(?:` + ip + `)\s*`, 2: `[A-Za-z0-9_.\-]+`, 3: url, 40: url, 13: hash(32), 14: hash(40), 38: hash(64), 48: hash(128),
		24: `(?:(?i)hklm|hkcu|hkcr|hku|hkcc|hkpd|hkdd|hkey_[a-z_]+)[\\/][^\x00-\x1f\x7f]+`,
		34: header, 35: header, 39: `(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}`, 43: `(?:CVE|cve)-[0-9]{4}-[0-9]+`,
		44: `(?:` + ip + `)/[0-9]{1,3}`,
	}
}

// split is the values that a text stands for.
func (t *artifactType) split(text string) []string {
	switch {
	case !t.Multi:
		return []string{text}
	case t.ID == 34 || t.ID == 35: // a header has blanks of its own
		return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) })
}

func (t *artifactType) allowDuplicate() bool {
	return slices.Contains([]int{4, 7, 15, 16, 36, 46}, t.ID)
}

func (t *artifactType) dto() object {
	var pattern any
	if t.pattern != nil {
		pattern = t.pattern.String()
	}
	return object{
		"id": t.ID, "name": t.Name, "programmatic_name": programmatic(t.Name), "desc": t.Name, "enabled": true, "file": t.File,
		"multi_aware": t.Multi, "parse_as_csv": false, "split_on": nil, "reg_exp": pattern, "system": true, "use_for_relationships": true,
		"default_scan_option": "on", "uuid": nil, "version": 1, "tags": none,
	}
}

func programmatic(name string) string {
	return strings.NewReplacer(" ", "_", "/", "_", "-", "_").Replace(strings.ToLower(name))
}

// artifactTypeField is the field "type" of the artifact, whose values tell
// which types may be there twice (contract: §3.2).
func (o *org) artifactTypeField() object {
	f := &field{Name: "type", Label: "Type", Input: "select", Required: "always", TypeID: 4, ID: 60}
	dto := f.dto()
	values := []object{}
	for _, t := range o.kinds {
		values = append(values, object{"value": t.ID, "label": t.Name, "enabled": true, "default": false, "hidden": false,
			"properties": object{"allow_duplicate": t.allowDuplicate(), "multi_aware": t.Multi, "file": t.File}})
	}
	dto["values"] = values
	return dto
}

func (o *org) artifactTypeOf(handle any) (*artifactType, bool) {
	for _, t := range o.kinds {
		if handle == t.ID || handle == t.Name {
			return t, true
		}
	}
	return nil, false
}

// getArtifactTypes is GET /artifact_types. Whether the list is wrapped is not
// known.
func (s *Server) getArtifactTypes(c *call) (any, error) {
	list := []object{}
	for _, t := range c.org.kinds {
		list = append(list, t.dto())
	}
	if s.opt.ArtifactTypeEntities {
		return object{"entities": list}, nil
	}
	return list, nil
}

func (s *Server) getArtifactType(c *call) (any, error) {
	var handle any = c.r.PathValue("type")
	if n, err := strconv.Atoi(c.r.PathValue("type")); err == nil {
		handle = n
	}
	t, ok := c.org.artifactTypeOf(handle)
	if !ok {
		return nil, notFound("artifact type", handle)
	}
	return t.dto(), nil
}
