package mime_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// TestRoundTrip: what go-message writes, in any tree of parts and with any
// transfer encoding, is read as it was, in its place and without a warning.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var raw bytes.Buffer
		g := &generator{t: t}
		var h message.Header
		h.SetText("Subject", rapid.StringMatching(`[ -~éß東京😀]{0,80}`).Draw(t, "subject"))
		subject, err := h.Text("Subject")
		require.NoError(t, err)
		kind, params := g.kind(0)
		g.set(&h, kind, params)
		w, err := message.CreateWriter(&raw, h)
		require.NoError(t, err)
		g.body(w, kind, "", "", 0)
		require.NoError(t, w.Close())

		m := mime.Read(raw.Bytes())
		require.Equal(t, strings.TrimSpace(subject), m.Subject)
		require.Empty(t, m.Warnings.Texts())
		require.Len(t, m.Texts, len(g.texts))
		for i, want := range g.texts {
			got := m.Texts[i]
			got.Encoding, got.Offset, got.Exact = "", 0, false
			require.Equal(t, want, got)
		}
	})
}

// generator writes a tree of parts and keeps the texts in it.
type generator struct {
	t     *rapid.T
	texts []mime.Text
	n     int // of multiparts
}

func (g *generator) kind(depth int) (kind string, params map[string]string) {
	kinds := []string{"text/plain", "text/html"}
	if depth < 3 {
		kinds = append(kinds, "multipart/mixed", "multipart/alternative", "multipart/related")
	}
	kind = rapid.SampledFrom(kinds).Draw(g.t, "kind")
	if strings.HasPrefix(kind, "text/") {
		return kind, map[string]string{"charset": "utf-8"}
	}
	g.n++
	// The one is the beginning of the other.
	return kind, map[string]string{"boundary": strings.Repeat("=_b", g.n)}
}

func (g *generator) set(h *message.Header, kind string, params map[string]string) {
	h.SetContentType(kind, params)
	if strings.HasPrefix(kind, "text/") {
		h.Set("Content-Transfer-Encoding", rapid.SampledFrom([]string{"8bit", "base64", "quoted-printable"}).Draw(g.t, "encoding"))
	}
}

func (g *generator) body(w *message.Writer, kind, number, alternative string, depth int) {
	if strings.HasPrefix(kind, "text/") {
		lines := rapid.SliceOfN(rapid.StringMatching(`[ -~éß東京😀]{0,90}`), 0, 5).Draw(g.t, "lines")
		text := strings.Join(lines, "\r\n")
		_, err := w.Write([]byte(text))
		require.NoError(g.t, err)
		if number == "" {
			number = "1"
		}
		g.texts = append(g.texts, mime.Text{Part: number, HTML: kind == "text/html", Text: text, Charset: "utf-8", Alternative: alternative})
		return
	}
	for n := range rapid.IntRange(1, 3).Draw(g.t, "parts") {
		child := strings.TrimPrefix(fmt.Sprint(number, ".", n+1), ".")
		in := alternative
		if kind == "multipart/alternative" {
			in = number
			if number == "" {
				in = "TEXT"
			}
		}
		var h message.Header
		childKind, params := g.kind(depth + 1)
		g.set(&h, childKind, params)
		part, err := w.CreatePart(h)
		require.NoError(g.t, err)
		g.body(part, childKind, child, in, depth+1)
		require.NoError(g.t, part.Close())
	}
}
