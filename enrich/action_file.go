package enrich

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/winzip"
	"github.com/sepwatch/sepwatch/sepclient"
)

// password is the usual one for malware. It keeps nobody out, and keeps a
// double click from running the file and scanners from taking it away.
const password = "infected"

// fetchFile is the guide's "Get File Content as Base64 string" (§5.3). It
// attaches the text, for scripts, and the file itself in an archive.
func fetchFile() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_file_content",
			Title: "Example: SEP - Get File Content as Base64 string",
			Help:  "Attaches the file that was uploaded to SEPM: as a zip archive with the password \"infected\", and as base64 text.",
			On:    incident.OnRow, Table: incident.TableScanResults,
			When: []incident.Condition{
				{Column: "file_id", Test: incident.HasValue},
				{Column: "file_upload_status", Test: incident.Contains, Values: []string{wordCompleted}},
				{Column: "scan_command_state", Test: incident.Contains, Values: []string{wordCompleted}},
			},
		},
		Decide: fileContent,
	}
}

func fileContent(ctx context.Context, p Plan) (incident.Step, error) {
	var want sepclient.FileOptions
	if text := p.Subject.Cell("hash_value"); text != "" {
		var err error
		if want.Hash, err = sepclient.ParseFileHash(text); err != nil {
			return incident.Step{}, mistake("the row's hash_value: %v", err)
		}
	}
	id := p.Subject.Cell("file_id")
	file, err := p.FileContent(ctx, id, want)
	if err != nil {
		return incident.Step{}, fmt.Errorf("get the file %s: %w", id, err)
	}
	defer file.Close()

	var step incident.Step
	attach := func(name, kind, contentType string, write func(io.Writer) error) (said string, err error) {
		content := bounded{most: maxAttachment}
		switch err := write(&content); {
		case errors.Is(err, errTooMuch):
			return fmt.Sprintf("as %s it is larger than the %d MiB that can be attached", kind, maxAttachment>>20), nil
		case err != nil:
			return "", fmt.Errorf("attach the file %s as %s: %w", id, kind, err)
		}
		step.Effects = append(step.Effects, incident.Effect{Attachment: &incident.Attachment{
			// An archive never has the same bytes twice.
			Key:  fmt.Sprintf("file %s as %s at %s", id, kind, p.Now.UTC().Format(time.RFC3339Nano)),
			Name: name, ContentType: contentType, Content: content.Bytes(),
		}})
		return fmt.Sprintf("it is attached as %s, %s", kind, name), nil
	}
	zip, err := attach(file.SHA256+".zip", "an archive", "application/zip", func(w io.Writer) error { return archive(w, file) })
	if err != nil {
		return incident.Step{}, err
	}
	text, err := attach(file.SHA256+".base64.txt", "base64 text", "text/plain", func(w io.Writer) error { return encodeFile(w, file) })
	if err != nil {
		return incident.Step{}, err
	}
	step.Effects = append(step.Effects, incident.Effect{Note: &incident.Note{
		Key: "file " + id,
		Text: fmt.Sprintf("The file <b>%s</b> of %s has %d bytes and the SHA-256 %s: %s (password <b>%s</b>), and %s. It may be malware.",
			incident.EscapeHTML(p.Subject.Cell("file_path")), incident.EscapeHTML(p.Subject.Cell("computer_name")), file.Size, file.SHA256,
			zip, password, text),
	}})
	return step, nil
}

// archive writes the file into an archive, under its hash: its own name may be
// one that is opened, and is in the note.
func archive(w io.Writer, file *sepclient.File) error {
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	return winzip.Write(w, file.SHA256, password, content)
}

func encodeFile(w io.Writer, file *sepclient.File) error {
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	encoder := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := io.Copy(encoder, content); err != nil {
		return err
	}
	return encoder.Close()
}

// bounded keeps what is written to it, up to so many bytes.
type bounded struct {
	bytes.Buffer
	most int
}

var errTooMuch = errors.New("it is too large")

// Write implements [io.Writer].
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, errTooMuch
	}
	return b.Buffer.Write(p)
}
