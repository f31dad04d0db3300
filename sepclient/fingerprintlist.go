package sepclient

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// FingerprintList is a list of file hashes, by which system lockdown allows or
// blocks files (A12).
type FingerprintList struct {
	ID, Name, Description string
	// DomainID is the domain that the list was asked for in; SEPM does not
	// give it back.
	DomainID string
	// Source is CONSOLE, COMMAND, DELTATOOL, or WEBSERVICE for a list that was
	// made through the API.
	Source string
	// GroupIDs are the groups that the list is assigned to.
	GroupIDs []string
	// Files are the files of the list, in its order.
	Files []ListedFile
	// Unknown are entries that hold something else, as SEPM wrote them. An edit
	// writes them back.
	Unknown []json.RawMessage

	// v2 is whether the list was given by v2 of the API, after v1 refused it.
	v2 bool
}

// ListedFile is a file in a list, by its hashes: one or both. SEPM writes them
// in upper case.
type ListedFile struct {
	MD5    string `json:"MD5,omitempty"`
	SHA256 string `json:"SHA256,omitempty"`
}

// listKind is the kind of a hash in a list. SHA-1 is none (A12).
type listKind string

const (
	listMD5    listKind = "MD5"
	listSHA256 listKind = "SHA256"
)

// parseListHash tells the kind of a hash by its length, and gives it in upper
// case.
func parseListHash(s string) (kind listKind, hash string, err error) {
	hash = strings.ToUpper(strings.TrimSpace(s))
	_, err = hex.DecodeString(hash)
	switch {
	case err == nil && len(hash) == 32:
		return listMD5, hash, nil
	case err == nil && len(hash) == 64:
		return listSHA256, hash, nil
	case err == nil && len(hash) == 40:
		return "", "", fmt.Errorf("%q is a SHA-1 hash: fingerprint lists take MD5 and SHA-256 only", s)
	}
	return "", "", fmt.Errorf("%q is no hash: want the 32 hexadecimal digits of an MD5 or the 64 of a SHA-256", s)
}

func fileOf(kind listKind, hash string) ListedFile {
	if kind == listMD5 {
		return ListedFile{MD5: hash}
	}
	return ListedFile{SHA256: hash}
}

// Has reports whether the list has a hash, in any case.
func (l FingerprintList) Has(hash string) bool {
	return slices.ContainsFunc(l.Files, func(f ListedFile) bool { return f.has(strings.TrimSpace(hash)) })
}

func (f ListedFile) has(hash string) bool {
	return hash != "" && (strings.EqualFold(f.MD5, hash) || strings.EqualFold(f.SHA256, hash))
}

// empty reports whether nothing is left in the list.
func (l FingerprintList) empty() bool { return len(l.Files) == 0 && len(l.Unknown) == 0 }

// kind is the kind of all hashes of a list, "" where they are mixed or where a
// file has both, which v1 of the API cannot say.
func (l FingerprintList) kind() listKind {
	var kind listKind
	for _, f := range l.Files {
		of := listSHA256
		if f.MD5 != "" {
			of = listMD5
		}
		if f.MD5 != "" && f.SHA256 != "" || kind != "" && kind != of {
			return ""
		}
		kind = of
	}
	return kind
}

// listDTO is a list as SEPM writes it: data holds texts in v1, and maps in v2.
type listDTO struct {
	ID          text              `json:"id"`
	Name        text              `json:"name"`
	Description text              `json:"description"`
	Source      text              `json:"source"`
	GroupIDs    texts             `json:"groupIds"`
	Data        []json.RawMessage `json:"data"`
}

func (d listDTO) list() FingerprintList {
	l := FingerprintList{
		ID: string(d.ID), Name: string(d.Name), Description: string(d.Description),
		Source: string(d.Source), GroupIDs: d.GroupIDs,
	}
	for _, entry := range d.Data {
		switch file, known := readEntry(entry); {
		case !known:
			l.Unknown = append(l.Unknown, entry)
		case file != ListedFile{}:
			l.Files = append(l.Files, file)
		}
	}
	return l
}

// readEntry reads an entry of a list. One that holds nothing is known; some
// lists are begun with an empty text.
func readEntry(entry json.RawMessage) (file ListedFile, known bool) {
	if s := scalar(entry); s != "" {
		kind, _, err := parseListHash(s)
		return fileOf(kind, s), err == nil
	}
	var hashes map[string]text
	if json.Unmarshal(entry, &hashes) != nil {
		var blank text
		return ListedFile{}, json.Unmarshal(entry, &blank) == nil && scalar(entry) == "" && entry[0] != '[' && entry[0] != '{'
	}
	for name, hash := range hashes {
		kind, _, err := parseListHash(string(hash))
		switch {
		case hash == "":
		case err != nil, !strings.EqualFold(strings.ReplaceAll(name, "-", ""), string(kind)):
			return ListedFile{}, false
		case kind == listMD5:
			file.MD5 = string(hash)
		default:
			file.SHA256 = string(hash)
		}
	}
	return file, true
}

// payload is a list as it is sent.
type payload struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	DomainID    string   `json:"domainId,omitempty"`
	HashType    listKind `json:"hashType,omitempty"` // v1 only
	Data        []any    `json:"data"`
}

// payload is the list in v2's form, or in v1's for hashes of one kind.
func (l FingerprintList) payload(v2 bool) payload {
	p := payload{Name: l.Name, Description: l.Description, DomainID: l.DomainID, Data: []any{}}
	if !v2 {
		p.HashType = l.kind()
	}
	for _, f := range l.Files {
		if v2 {
			p.Data = append(p.Data, f)
		} else {
			p.Data = append(p.Data, firstOf(text(f.MD5), text(f.SHA256)))
		}
	}
	for _, entry := range l.Unknown {
		p.Data = append(p.Data, entry)
	}
	return p
}
