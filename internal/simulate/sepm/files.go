package sepm

import (
	"archive/zip"
	"bytes"
	"crypto/md5" //nolint:gosec // as SEPM sums files
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// wantedFile is what an upload asks for (contract: A16).
type wantedFile struct {
	path              string
	sha256, sha1, md5 string // lower case
	source            string
}

// upload is a file that a client has sent to the server.
type upload struct {
	id, computerID string
	file           File
	name           string // in the ZIP: the hash that it was asked for by
	packed         []byte
}

// filesCommand is POST /command-queue/files (contract: A16).
func (s *Server) filesCommand(c *call) error {
	v, err := c.parameters()
	if err != nil {
		return err
	}
	want := wantedFile{path: v.Get("file_path"), sha256: strings.ToLower(v.Get("sha256")), sha1: strings.ToLower(v.Get("sha1")),
		md5: strings.ToLower(v.Get("md5")), source: v.Get("source")}
	if want.source == "" {
		want.source = "FILESYSTEM"
	}
	switch {
	case want.path == "":
		return fail(http.StatusBadRequest, "The file_path argument is missing.")
	case want.sha256+want.sha1+want.md5 == "":
		return fail(http.StatusBadRequest, "The file's hash is missing.")
	case !slices.Contains([]string{"FILESYSTEM", "QUARANTINE", "BOTH"}, want.source):
		return fail(http.StatusBadRequest, "The source argument is invalid.")
	}
	v.Del("group_ids") // an upload takes none
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	all, err := s.addressees(c, v, false)
	if err != nil {
		return err
	}
	made := &command{kind: fileUpload, by: "computer", domain: c.login.domain, wanted: want}
	s.send(made, all[0].clients)
	return c.ok(object{"commandID": made.id})
}

// is says whether a file is the one that is wanted.
func (w wantedFile) is(f File) bool {
	return strings.EqualFold(w.path, f.Path) && (w.sha256 == "" || w.sha256 == f.digest("SHA256")) &&
		(w.sha1 == "" || w.sha1 == f.digest("SHA1")) && (w.md5 == "" || w.md5 == f.digest("MD5"))
}

// executable are the kinds of files that clients upload (contract: A16).
var executable = []string{".exe", ".dll", ".sys", ".com", ".scr", ".bat", ".cmd", ".msi", ".ps1", ".vbs", ".js", ".jar"}

// finishUpload has a client send a file.
func (s *Server) finishUpload(t *target, at time.Time, outcome Outcome) {
	want := t.wanted
	extension := strings.ToLower(base(want.path))
	extension = extension[max(0, strings.LastIndexByte(extension, '.')):]
	if strings.HasPrefix(t.client.OS, "Win") && !slices.Contains(executable, extension) {
		t.end(at, Outcome{State: stateRejected, SubState: 1, Text: "The file is not an executable."}, "")
		return
	}
	var where []File
	if want.source != "QUARANTINE" {
		where = append(where, t.client.Files...)
	}
	if want.source != "FILESYSTEM" {
		where = append(where, t.client.contained...)
	}
	i := slices.IndexFunc(where, want.is)
	if i < 0 {
		t.end(at, Outcome{State: stateError, SubState: 6, Text: "The file was not found."}, "")
		return
	}
	sent := &upload{id: newHexID(), computerID: t.client.ID, file: where[i], name: want.sha256}
	if sent.name == "" {
		sent.name = want.sha1
	}
	if sent.name == "" {
		sent.name = want.md5
	}
	s.queue.uploads = append(s.queue.uploads, sent)
	t.fileID = sent.id
	t.end(at, outcome, "")
}

// pack is the ZIP that is kept of a file: under its hash, each byte XORed with
// a key, and the key in metadata.xml after it (contract: A16).
func (u *upload) pack() ([]byte, error) {
	if u.packed != nil {
		return u.packed, nil
	}
	sum := md5.Sum(u.file.Content) //nolint:gosec // any number that is the file's own
	key := max(1, sum[0])
	hidden := make([]byte, len(u.file.Content))
	for i, b := range u.file.Content {
		hidden[i] = b ^ key
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	metadata := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Files>\n  <File Key=\"%d\" Size=\"%d\"/>\n</Files>\n", key, len(hidden))
	for _, member := range []struct {
		name    string
		content []byte
	}{{u.name, hidden}, {"metadata.xml", []byte(metadata)}} {
		w, err := z.Create(member.name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(member.content); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	u.packed = b.Bytes()
	return u.packed, nil
}

// uploaded finds an upload, or 410.
func (s *Server) uploaded(called string, is func(*upload) bool) (*upload, error) {
	s.settle()
	for _, u := range slices.Backward(s.queue.uploads) {
		if is(u) {
			return u, nil
		}
	}
	return nil, fail(http.StatusGone, "File with ID %s does not exist", called)
}

// content gives a file's content.
func (s *Server) content(c *call, called string, is func(*upload) bool) error {
	s.mu.Lock()
	u, err := s.uploaded(called, is)
	var data []byte
	if err == nil {
		data = u.file.Content
		if !s.opt.PlainContent {
			data, err = u.pack()
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/octet-stream")
	c.w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(data) // a client that has gone is no error of ours
	return nil
}

// fileContent is GET /command-queue/file/{id}/content.
func (s *Server) fileContent(c *call) error {
	id := strings.ToUpper(c.r.PathValue("id"))
	return s.content(c, id, func(u *upload) bool { return u.id == id })
}

// requestedContent is GET /requested-files/{sha256}/content.
func (s *Server) requestedContent(c *call) error {
	hash := strings.ToLower(c.r.PathValue("sha256"))
	return s.content(c, hash, func(u *upload) bool { return u.file.digest("SHA256") == hash })
}

// fileDetails is GET /command-queue/file/{id}/details (contract: D6.13).
func (s *Server) fileDetails(c *call) error {
	id := strings.ToUpper(c.r.PathValue("id"))
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.uploaded(id, func(u *upload) bool { return u.id == id })
	if err != nil {
		return err
	}
	data := u.file.Content
	if !s.opt.ChecksumOfFile {
		if data, err = u.pack(); err != nil {
			return err
		}
	}
	return c.ok(object{"id": u.id, "fileSize": len(data), "checksum": fmt.Sprintf("%X", md5.Sum(data))}) //nolint:gosec // as SEPM sums files
}
