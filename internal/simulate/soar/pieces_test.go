package soar_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

const (
	testWait = 10 * time.Second
	testTick = time.Millisecond
)

func TestArtifactValues(t *testing.T) {
	b := setup(t, soar.Options{})
	hash := strings.Repeat("0aF", 30)
	for kind, values := range map[string]struct{ good, bad []string }{
		"IP Address": {[]string{"10.0.0.1", "010.000.0.1", "::", "::1", "fe80::1", "2002:835:c36d::946:c25d", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::ffff:10.0.0.1"},
			[]string{"10.0.0", "10.0.0.256", "host", "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", "10.0.0.1/24", "12345::"}},
		"DNS Name":               {[]string{"host.example.com", "_srv.x-y"}, []string{"http://x", "a;b"}},
		"URL":                    {[]string{"http://x/a?b", "https://x", "ftp://x", "file://x", "gopher://x"}, []string{"x.com", "hxxp://x", "mailto:a@b", "http:/x"}},
		"URL Referer":            {[]string{"http://x"}, []string{"x"}},
		"Malware MD5 Hash":       {[]string{hash[:32], "0x" + hash[:32]}, []string{hash[:31], hash[:33], "g" + hash[:31]}},
		"Malware SHA-1 Hash":     {[]string{hash[:40]}, []string{hash[:32]}},
		"Malware SHA-256 Hash":   {[]string{hash[:64]}, []string{hash[:63]}},
		"MAC Address":            {[]string{"00:11:22:33:44:FF", "00-11-22-33-44-ff"}, []string{"001122334455", "00:11:22:33:44"}},
		"Network CIDR Range":     {[]string{"10.0.0.0/8", "fe80::/10"}, []string{"10.0.0.0", "x/8"}},
		"Threat CVE ID":          {[]string{"CVE-2024-1", "cve-2021-44228"}, []string{"CVE-24-1", "2024-1"}},
		"Registry Key":           {[]string{`HKLM\Software\a b`, `hkey_local_machine/x`}, []string{"Software", `HKXX\a`, "HKLM"}},
		"HTTP Request Header":    {[]string{"Host: a b"}, []string{"Host"}},
		"String":                 {[]string{"any thing, at all"}, []string{"", " "}},
		"File Path":              {[]string{`C:\a, b\c.exe`}, nil},
		"Malware Family/Variant": {[]string{"Trojan.Gen.NPE"}, nil},
		"Malware Sample":         {nil, []string{"a file"}},
		"Nonsense":               {nil, []string{"x"}},
	} {
		for _, value := range values.good {
			_, inc := b.create("")
			list := b.post(inc+"/artifacts", fmt.Sprintf(`{"type":{"name":%q},"value":%q}`, kind, value)).is(200).list()
			require.Len(t, list, 1, "%s %s", kind, value)
			require.Equal(t, value, list[0]["value"])
		}
		for _, value := range values.bad {
			_, inc := b.create("")
			b.post(inc+"/artifacts", fmt.Sprintf(`{"type":%q,"value":%q}`, kind, value)).is(400)
			require.Empty(t, b.get(inc+"/artifacts").is(200).list())
		}
	}
}

func TestArtifacts(t *testing.T) {
	b := setup(t, soar.Options{})
	_, inc := b.create("")
	list := b.post(inc+"/artifacts?handle_format=names", `{"type":1,"value":" 10.0.0.1,10.0.0.2\n10.0.0.1","description":{"format":"text","content":"seen"},"relating":false}`).is(200).list()
	require.Len(t, list, 3, "split, and the third is the first again")
	require.Equal(t, list[0]["id"], list[2]["id"])
	require.Equal(t, "IP Address", list[0]["type"])
	require.Equal(t, false, list[0]["relating"])
	require.Len(t, b.get(inc+"/artifacts").list(), 2)
	require.EqualValues(t, 1, b.get(inc + "/artifacts").list()[0]["type"])
	for _, key := range []string{"hits", "hash", "ip", "perms", "inc_id", "creator_principal", "pending_sources"} {
		require.Contains(t, list[0], key)
	}
	b.post(inc+"/artifacts", `{"value":"x"}`).is(400)
	b.post(inc+"/artifacts", `{"type":"String"}`).is(400)
	b.post(inc+"/artifacts", `{"type":"IP Address","value":" , "}`).is(400)
	b.post(inc+"/artifacts", `{"type":"String","value":"x","description":3}`).is(400)
	b.post(inc+"/artifacts", `[]`).is(400)
	b.post("/incidents/1/artifacts", `{"type":"String","value":"x"}`).is(404)
	b.get("/incidents/1/artifacts").is(404)
}

func TestDuplicateArtifacts(t *testing.T) {
	for _, tt := range []struct {
		opt    soar.Options
		again  string
		status int
		kept   int
	}{
		{soar.Options{}, "Value", 200, 1},
		{soar.Options{}, "VALUE", 200, 2},
		{soar.Options{FoldDuplicates: true}, "VALUE", 200, 1},
		{soar.Options{Duplicates: soar.RefuseDuplicate}, "Value", 400, 1},
		{soar.Options{Duplicates: soar.KeepDuplicate}, "Value", 200, 2},
		{soar.Options{MaxArtifacts: 1}, "other", 400, 1},
	} {
		b := setup(t, tt.opt)
		id, inc := b.create("")
		first := b.post(inc+"/artifacts", `{"type":"String","value":"Value","description":"one"}`).is(200).list()
		second := b.post(inc+"/artifacts", `{"type":"String","value":"`+tt.again+`","description":"two"}`).is(tt.status)
		require.Len(t, b.incident(id).Artifacts, tt.kept)
		if tt.status == 200 && tt.kept == 1 {
			require.Equal(t, first, second.list(), "the one that is there, unchanged")
		}
	}
	b := setup(t, soar.Options{Duplicates: soar.RefuseDuplicate})
	_, inc := b.create("")
	for range 2 {
		b.post(inc+"/artifacts", `{"type":"Observed Data","value":"x"}`).is(200) // a type that allows them
	}
}

func TestNotes(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	first := b.post(inc+"/comments", `{"text":"plain < text"}`).is(200).object()
	require.Equal(t, "plain &lt; text", first["text"])
	require.Equal(t, "incident", first["type"])
	require.EqualValues(t, b.clock.Now().UnixMilli(), first["create_date"])
	reply := b.post(inc+"/comments", fmt.Sprintf(`{"text":{"format":"html","content":"<b>x</b><script>y</script>"},"parent_id":%v}`, first["id"])).is(200).object()
	require.Equal(t, "<b>x</b>", reply["text"])
	list := b.get(inc + "/comments").is(200).list()
	require.Len(t, list, 1, "answers are among the children")
	children, _ := list[0]["children"].([]any)
	require.Len(t, children, 1)
	require.Equal(t, reply["id"], dig(t, children[0], "id"))
	require.Len(t, b.incident(id).Notes, 2)
	require.Equal(t, "plain < text", b.get(inc + "/comments?text_content_output_format=always_text").list()[0]["text"])

	for _, bad := range []string{`{}`, `{"text":""}`, `{"text":3}`, `{"text":{"format":"rtf","content":"x"}}`, `"x"`} {
		b.post(inc+"/comments", bad).is(400)
	}
	b.post(inc+"/comments", `{"text":"x","parent_id":99}`).is(404)
	b.post("/incidents/1/comments", `{"text":"x"}`).is(404)
}

// upload posts a file as a browser would.
func (b *bench) upload(inc, name, content string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(b.t, w.WriteField("description", "the whole set"))
	part, err := w.CreateFormFile("file", name)
	require.NoError(b.t, err)
	_, err = part.Write([]byte(content))
	require.NoError(b.t, err)
	require.NoError(b.t, w.Close())
	r := b.request("POST", "/orgs/201"+inc+"/attachments", body.String())
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(r)
}

func TestAttachments(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	a := b.upload(inc, "all.csv", "a,b\r\n").is(200).object()
	require.Equal(t, "all.csv", a["name"])
	require.EqualValues(t, 5, a["size"])
	require.Equal(t, "the whole set", a["description"])
	one := fmt.Sprintf("%s/attachments/%v", inc, a["id"])
	require.Equal(t, a, b.get(one).is(200).object())
	require.Len(t, b.get(inc+"/attachments").is(200).list(), 1)
	content := b.get(one + "/contents").is(200)
	require.Equal(t, "a,b\r\n", content.body)
	require.Equal(t, `attachment; filename="all.csv"`, content.header.Get("Content-Disposition"))
	require.Equal(t, []soar.Attachment{{1, "all.csv", "application/octet-stream", []byte("a,b\r\n")}}, b.incident(id).Attachments)
	b.do("DELETE", one, "").is(200)
	b.get(one).is(404)
	b.get(one + "/contents").is(404)
	b.do("DELETE", one, "").is(404)

	b.post(inc+"/attachments", `{}`).is(400)
	b.upload(inc, "", "no name").is(400)
	b.upload("/incidents/1", "x", "x").is(404)
	b.upload(inc, "big", strings.Repeat("x", 25<<20+1)).is(400)
	b.upload(inc, "full", strings.Repeat("x", 25<<20)).is(200)

	b = setup(t, soar.Options{AttachmentArray: true})
	_, inc = b.create("")
	require.Len(t, b.upload(inc, "a", "b").is(200).list(), 1)
	b = setup(t, soar.Options{Orgs: []soar.Org{{ID: 201, Name: "Demo", NoAttachments: true}}})
	_, inc = b.create("")
	b.upload(inc, "a", "b").is(403)
}
