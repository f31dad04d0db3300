package enrich

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// input are the inputs of a call, checked, without those that are empty.
type input map[string]string

// InputError is an input that a function cannot work with.
type InputError struct {
	Function, Input, Problem string
}

func (e *InputError) Error() string { return fmt.Sprintf("%s: %s %s", e.Function, e.Input, e.Problem) }

func (c call) fault(name, problem string, args ...any) error {
	return &InputError{c.function, name, fmt.Sprintf(problem, args...)}
}

// check holds the inputs against the function's definition. As in fn_sep,
// blanks around a value do not count, and the word none is no value (contract:
// SEPM API B2).
func (f Function) check(inputs map[string]string) (input, error) {
	c := call{function: f.Name}
	names := make([]string, len(f.Inputs))
	checked := make(input)
	for i, def := range f.Inputs {
		names[i] = def.Name
		value := strings.TrimSpace(inputs[def.Name])
		if value == "" || strings.EqualFold(value, "none") {
			value = def.Default
		}
		if value == "" {
			if def.Required && f.Unset[def.Name] == "" {
				return nil, c.fault(def.Name, "is missing")
			}
			continue
		}
		switch def.Type {
		case incident.InputNumber:
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				return nil, c.fault(def.Name, "is %q, which is not a whole number", value)
			}
		case incident.InputBoolean:
			if value = strings.ToLower(value); value != "true" && value != "false" {
				return nil, c.fault(def.Name, "is %q, which is neither true nor false", value)
			}
		}
		if len(def.Values) > 0 {
			at := slices.IndexFunc(def.Values, func(v string) bool { return strings.EqualFold(v, value) })
			if at < 0 {
				return nil, c.fault(def.Name, "is %q, which is none of %s", value, strings.Join(def.Values, ", "))
			}
			value = def.Values[at]
		}
		checked[def.Name] = value
	}
	for name := range inputs {
		if !slices.Contains(names, name) {
			return nil, c.fault(name, "is none of its inputs: %s", strings.Join(names, ", "))
		}
	}
	return checked, nil
}

func (in input) is(name string) bool { return in[name] == "true" }

// number is a number, 0 where there is none.
func (in input) number(name string) int {
	n, _ := strconv.Atoi(in[name]) // it was checked
	return n
}

// list are the items of a text, nil where there are none.
func (in input) list(name string) []string {
	if items := splitList(in[name]); len(items) > 0 {
		return items
	}
	return nil
}

// splitList parts a text at blanks and commas (contract: SEPM API B2).
func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// hashInputs are the inputs for the hash of a file.
var hashInputs = []struct {
	name string
	kind sepclient.HashKind
}{{"sep_sha256", sepclient.SHA256}, {"sep_sha1", sepclient.SHA1}, {"sep_md5", sepclient.MD5}}

// hash is the one hash that is given, zero where there is none.
func (c call) hash() (hash sepclient.FileHash, err error) {
	first := ""
	for _, in := range hashInputs {
		text := c.in[in.name]
		if text == "" {
			continue
		}
		h, err := sepclient.ParseFileHash(text)
		switch {
		case err != nil:
			return hash, c.fault(in.name, "is not valid: %s", err)
		case h.Kind != in.kind:
			return hash, c.fault(in.name, "is a hash of another kind, %s: give it as sep_%s", h.Kind, strings.ToLower(string(h.Kind)))
		case first != "":
			return hash, c.fault(in.name, "is a hash beside that of %s: give one of them", first)
		}
		first, hash = in.name, h
	}
	return hash, nil
}

// listHashes are the hashes for a fingerprint list: a list of them, or, as
// fn_sep 1.2's playbooks send it, the text of a Python list of maps from a kind
// to a hash.
func (c call) listHashes() ([]sepclient.ListedFile, error) {
	const name = "sep_hash_value"
	text := c.in[name]
	var files []sepclient.ListedFile
	seen := make(map[string]bool)
	// Braces tell which hashes are of one file.
	for part := range strings.SplitAfterSeq(text, "}") {
		before, file, braced := strings.Cut(part, "{")
		groups := splitHashes(before)
		if braced {
			groups = append(groups, hexWords(file))
		}
		for _, words := range groups {
			var hashes sepclient.ListedFile
			for _, word := range words {
				h, err := sepclient.ParseFileHash(word)
				switch {
				case err != nil:
					return nil, c.fault(name, "is not valid: %s", err)
				case h.Kind == sepclient.SHA1:
					return nil, c.fault(name, "is a SHA-1 hash, %s: fingerprint lists take MD5 and SHA-256 only", h.Value)
				case seen[h.Value]:
				case h.Kind == sepclient.MD5:
					hashes.MD5 = strings.ToUpper(h.Value)
				default:
					hashes.SHA256 = strings.ToUpper(h.Value)
				}
				seen[h.Value] = true
			}
			if hashes != (sepclient.ListedFile{}) {
				files = append(files, hashes)
			}
		}
	}
	if len(files) == 0 {
		return nil, c.fault(name, "is missing: SEPM takes no list without hashes")
	}
	return files, nil
}

// splitHashes are the words of a list, each a file of its own.
func splitHashes(text string) (files [][]string) {
	for _, word := range hexWords(text) {
		files = append(files, []string{word})
	}
	return files
}

// hexWords are the words of a list without what Python writes around them:
// quotes, brackets, and the kind before a hash.
func hexWords(text string) (words []string) {
	for _, word := range splitList(text) {
		word = strings.Trim(word, `'"[]{}`)
		if _, after, found := strings.Cut(word, ":"); found {
			word = strings.Trim(after, `'"`)
		}
		if word != "" && !strings.EqualFold(word, "none") {
			words = append(words, word)
		}
	}
	return words
}

// domainID is the id of a domain that a person may have named: SEPM takes ids
// only (contract: SEPM API A7). What looks like an id is not asked for.
func (c call) domainID(ctx context.Context, name string) (string, error) {
	const digits = 32
	text := c.in[name]
	if _, err := hex.DecodeString(text); err == nil && len(text) == digits {
		return text, nil
	}
	d, err := findDomain(ctx, c.sepm, text)
	return d.ID, err
}

// findDomain looks for a domain by its id or name; an empty one is none.
func findDomain(ctx context.Context, sepm Manager, domain string) (sepclient.Domain, error) {
	if domain == "" {
		return sepclient.Domain{}, nil
	}
	domains, err := sepm.Domains(ctx)
	if err != nil {
		return sepclient.Domain{}, fmt.Errorf("look for the domain %q: %w", domain, err)
	}
	names := make([]string, len(domains))
	for i, d := range domains {
		if strings.EqualFold(d.ID, domain) || d.Name == domain {
			return d.Domain, nil
		}
		names[i] = d.Name
	}
	return sepclient.Domain{}, fmt.Errorf("SEPM has no domain %q; it has %s", domain, strings.Join(names, ", "))
}

// What several functions take.
func computerIDsInput() incident.InputDef {
	return incident.InputDef{Name: "sep_computer_ids", Type: incident.InputText, Help: "List of computer IDs on which to run the SEP command."}
}

func groupIDsInput() incident.InputDef {
	return incident.InputDef{Name: "sep_group_ids", Type: incident.InputText, Help: "List of groups on which to run the SEP command."}
}

func fileInputs() []incident.InputDef {
	return []incident.InputDef{
		{Name: "sep_file_path", Type: incident.InputText, Help: "File path of the suspect file."},
		{Name: "sep_sha256", Type: incident.InputText, Help: "SHA256 hash value of the suspicious file."},
		{Name: "sep_sha1", Type: incident.InputText, Help: "SHA1 hash value of the suspicious file."},
		{Name: "sep_md5", Type: incident.InputText, Help: "MD5 hash value of the suspicious file."},
	}
}

// pagingInputs are those by which a caller of fn_sep walked through pages.
func pagingInputs() []incident.InputDef {
	return []incident.InputDef{
		{Name: "sep_order", Type: incident.InputText, Values: []string{"ASC", "DESC"}, Default: "ASC", Help: "Specifies the results order ASC or DESC."},
		{Name: "sep_pageindex", Type: incident.InputNumber, Help: "Index page that is used for the returned results. Default page index is 1."},
		{Name: "sep_pagesize", Type: incident.InputNumber, Help: "Number of results to include on each page. Default is 20."},
		{Name: "sep_sort", Type: incident.InputText, Help: "Column by which the results are sorted."},
	}
}
