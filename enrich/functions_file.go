package enrich

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// maxFile bounds a file whose content is given as text.
const maxFile = 16 << 20

// getFileContent is "SEP - Get File Content as Base64" (guide §5.3).
func getFileContent() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_file_content_as_base64", Title: "SEP - Get File Content as Base64",
			Help: "The content of a file that an endpoint has uploaded to SEPM: mostly malware.",
			Inputs: []incident.InputDef{
				{Name: "sep_file_id", Type: incident.InputText, Help: "File ID from which to get detailed information."},
			},
		},
		Keys: []KeyDef{
			{Name: "", Help: "The content is the text itself, base64."},
			{Name: "truncated, att_name", Help: "In its place, where the text is longer than 1 MiB: true, and the name of the attachment that has it.", New: true},
		},
		Differs: []string{
			"A file that SEPM sends without its container comes as it is; one in an odd container is an error.",
			"A file larger than 16 MiB is an error.",
		},
		call: func(ctx context.Context, c call) (Output, error) {
			id := c.in["sep_file_id"]
			if id == "" {
				return Output{}, c.fault("sep_file_id", "is missing")
			}
			file, err := c.sepm.FileContent(ctx, id, sepclient.FileOptions{MaxSize: maxFile})
			if err != nil {
				return Output{}, err
			}
			defer file.Close()
			text, err := base64Text(file)
			if err != nil {
				return Output{}, fmt.Errorf("read the file %s: %w", id, err)
			}
			out := one(text, []string{"BASE64"}, []string{text})
			out.gather = &base64File{text: text, name: file.SHA256 + ".base64.txt"}
			return out, nil
		},
	}
}

func base64Text(file *sepclient.File) (string, error) {
	content, err := file.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	var text strings.Builder
	text.Grow(base64.StdEncoding.EncodedLen(int(file.Size)))
	enc := base64.NewEncoder(base64.StdEncoding, &text)
	if _, err := io.Copy(enc, content); err != nil {
		return "", err
	}
	err = enc.Close()
	return text.String(), err
}

// base64File is a file as text, or as an attachment of such text, which nobody
// runs by mistake.
type base64File struct{ text, name string }

func (f *base64File) add(Item) error { return nil }

func (f *base64File) result() (Result, error) {
	if len(f.text) <= maxContent-2 {
		return Result{Content: f.text}, nil
	}
	return cut(map[string]any{}, newAttachment(f.name, "text/plain", []byte(f.text))), nil
}
