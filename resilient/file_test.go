package resilient

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// reader hides from net/http what would tell it the length.
func reader(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }

func TestAttachments(t *testing.T) {
	for _, array := range []bool{false, true} {
		now := time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)
		s := stand(t, soar.Options{AttachmentArray: array, Now: func() time.Time { return now }})
		c := s.client(t)
		inc := open(t, c)
		id, err := c.AddAttachment(t.Context(), inc, File{Name: "mail.eml", ContentType: "message/rfc822", Size: 5, Content: reader("hello")})
		require.NoError(t, err)
		other, err := c.AddAttachment(t.Context(), inc,
			File{Name: "a\"b\r\nC: d\u202e.txt", ContentType: "no type\r\nX: y", Size: 1, Content: reader("x")})
		require.NoError(t, err)
		list, err := c.Attachments(t.Context(), inc)
		require.NoError(t, err)
		require.Equal(t, []Attachment{
			{ID: id, Name: "mail.eml", ContentType: "message/rfc822", Size: 5, Created: now},
			{ID: other, Name: "a\"b\ufffd C: d\ufffd.txt", ContentType: "application/octet-stream", Size: 1, Created: now},
		}, list)
	}
}

// What goes out has a length, which some proxies insist on, and is whole.
func TestUploadOnTheWire(t *testing.T) {
	const add = "POST /incidents/7/artifacts/files"
	var length int64
	parts := map[string]string{}
	s := serve(t, map[string]http.HandlerFunc{add: func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		_, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		for form := multipart.NewReader(r.Body, parameters["boundary"]); ; {
			part, err := form.NextPart()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(part)
			parts[part.FormName()+" "+part.FileName()+" "+part.Header.Get("Content-Type")] = string(content)
		}
		_, _ = io.WriteString(w, `[{"id":5}]`)
	}})
	ids, err := s.client(t).AddFileArtifact(t.Context(), 7, incident.Artifact{Type: "Malware Sample", Value: "v", Description: "d"},
		File{Name: "s.bin", ContentType: "text/plain; charset=utf-8", Size: 3, Content: reader("MZ!")})
	require.NoError(t, err)
	require.Equal(t, []int64{5}, ids)
	require.EqualValues(t, len(s.sentTo(add)[0].body), length)
	require.Len(t, parts, 2)
	require.JSONEq(t, `{"type":"Malware Sample","value":"v","description":"d"}`, parts["artifact  "])
	require.Equal(t, "MZ!", parts["file s.bin text/plain; charset=utf-8"])
}

func TestFilesThatAreNotSent(t *testing.T) {
	const add = "POST /incidents/7/attachments"
	tooLarge := File{Name: "a", Size: 2<<20 + 1, Content: reader("")}
	s := serve(t, map[string]http.HandlerFunc{
		"GET /rest/const": say(200, `{"max_attachment_mb":2,"max_artifact_mb":1}`), add: say(200, `{"id":1}`),
	})
	c := s.client(t)
	_, err := c.AddAttachment(t.Context(), 7, tooLarge)
	requireError(t, err, Permanent,
		`add attachment to incident 7 (POST /incidents/7/attachments): the file "a" has 2097153 bytes, and Resilient takes 2 MB at most`)
	tooLarge.Size = 1<<20 + 1
	_, err = c.AddFileArtifact(t.Context(), 7, incident.Artifact{Type: "Malware Sample"}, tooLarge)
	requireError(t, err, Permanent, "takes 1 MB at most")
	_, err = c.AddAttachment(t.Context(), 7, File{Content: reader("")})
	requireError(t, err, Permanent, "the file has no name")
	require.Empty(t, s.sentTo(add))
	_, err = c.AddAttachment(t.Context(), 7, File{Name: "a", Size: 2 << 20, Content: bytes.NewReader(make([]byte, 2<<20))})
	require.NoError(t, err, "as large as it may be")

	off := stand(t, soar.Options{Orgs: []soar.Org{{ID: 201, Name: "Demo", NoAttachments: true}}})
	_, err = off.client(t).AddAttachment(t.Context(), 7, File{Name: "a", Content: reader("")})
	requireError(t, err, Permanent, "the organization takes no attachments: allow attachments")
	require.Zero(t, off.Calls()["POST /incidents/{inc}/attachments"])
}

// A file that is not what it says, or cannot be read to its end, does not
// arrive in part.
func TestFilesThatBreakOff(t *testing.T) {
	for text, f := range map[string]File{
		"the file is shorter than its size": {Name: "a", Size: 9, Content: reader("x")},
		"the file is longer than its size":  {Name: "a", Size: 1, Content: reader(strings.Repeat("x", 9000))},
		"disk gone":                         {Name: "a", Size: 9, Content: iotest.ErrReader(errors.New("disk gone"))},
	} {
		t.Run(text, func(t *testing.T) {
			s := stand(t, soar.Options{})
			c := s.client(t)
			inc := open(t, c)
			_, err := c.AddAttachment(t.Context(), inc, f)
			requireError(t, err, Ambiguous, text)
			list, err := c.Attachments(t.Context(), inc)
			require.NoError(t, err)
			require.Empty(t, list)
		})
	}
}

func TestUploadAnswers(t *testing.T) {
	const add = "POST /incidents/7/attachments"
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		class  Class
	}{
		"no id":                    {say(200, `{}`), Ambiguous},
		"none":                     {say(200, `[]`), Ambiguous},
		"two":                      {say(200, `[{"id":1},{"id":2}]`), Ambiguous},
		"another at the same time": {say(409, ``), Conflict},
		"blocked":                  {say(400, ``), Permanent},
		"lost":                     {drop, Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{add: tt.answer})
			_, err := s.client(t).AddAttachment(t.Context(), 7, File{Name: "a", Size: 1, Content: reader("x")})
			require.Equal(t, tt.class, classOf(err))
			require.Len(t, s.sentTo(add), 1)
		})
	}
}
