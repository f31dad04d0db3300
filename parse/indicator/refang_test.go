package indicator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

// defanged are values in the forms of contract SEPM e-mail §5.2, each with
// what stands there.
var defanged = map[string]string{
	"evil[.]com":                         "evil.com",
	"evil(.)com":                         "evil.com",
	"evil{.}com":                         "evil.com",
	"evil [.] com":                       "evil.com",
	"evil[ . ]com":                       "evil.com",
	"evil[dot]com":                       "evil.com",
	"evil(DOT)com":                       "evil.com",
	"evil [dot] com":                     "evil.com",
	"evil[。]com":                         "evil.com",
	"evil[.com":                          "evil.com",
	"evil.]com":                          "evil.com",
	"evil[.com]":                         "evil.com",
	"evil.[com]":                         "evil.com",
	`evil\.com`:                          "evil.com",
	"evil。com":                           "evil.com",
	"evil．com":                           "evil.com",
	"ｅｖｉｌ｡ｃｏｍ":                           "evil.com",
	"e\u200bv\u00adil.c\u2060om":         "evil.com",
	"see www dot evil dot com":           "www.evil.com",
	"evil-1 dot com":                     "evil-1.com",
	"evil dot co[.]uk":                   "evil.co.uk",
	"1(.)1[.]1 dot 1":                    "1.1.1.1",
	"192[DOT]95[.]42.205":                "192.95.42.205",
	"2001[:]db8[:][:]1":                  "2001:db8::1",
	"bob[@]evil[.]com":                   "bob@evil.com",
	"bob [at] evil [dot] com":            "bob@evil.com",
	"bob(AT)evil.com":                    "bob@evil.com",
	"bob {@} evil DOT com":               "bob@evil.com",
	"mail bob at evil dot com":           "bob@evil.com",
	"hxxp://evil.com/x":                  "http://evil.com/x",
	"hXXps://evil.com/x":                 "https://evil.com/x",
	"h**p://evil.com/x":                  "http://evil.com/x",
	"h__ps://evil.com/x":                 "https://evil.com/x",
	"hzzzp://evil.com/x":                 "http://evil.com/x",
	"htxp://evil.com/x":                  "http://evil.com/x",
	"meow://evil.com/x":                  "http://evil.com/x",
	"fxp://evil.com/x":                   "ftp://evil.com/x",
	"http[:]//evil.com/x":                "http://evil.com/x",
	"http[://]evil.com/x":                "http://evil.com/x",
	"http:[//]evil.com/x":                "http://evil.com/x",
	"http:[/][/]evil.com/x":              "http://evil.com/x",
	"hxxp:// evil[.]com/x":               "http://evil.com/x",
	"http：／／evil．com／x":                  "http://evil.com/x",
	"hxxp[:]//evil[.]com/home(dot)php":   "http://evil.com/home.php",
	"hxxp://u:p@evil[.]com:81/a[.]b?c#d": "http://u:p@evil.com:81/a.b?c#d",
}

func TestDefanged(t *testing.T) {
	t.Parallel()
	for text, want := range defanged {
		found := indicator.Find(text)
		require.NotEmpty(t, found, text)
		require.Equal(t, want, found[0].Value, text)
		require.True(t, strings.HasSuffix(strings.TrimSuffix(text, "]"), found[0].Raw), "%q has %q", text, found[0].Raw)
	}
}

// TestNotDefanged: words and brackets that mean themselves.
func TestNotDefanged(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"the dot net framework, a dot com company, look at dot com", "connect dot to dot", "put a dot in it", "meet bob at noon", "certbot failed at com",
		"see list [.] Then", "a[0].com() x.[y].z", "evil [com]", "at evil at com", "10 dot 20", "4.5 dot net", "[at] evil", "\\.com",
	} {
		require.Empty(t, indicator.Find(text), text)
	}
	require.Equal(t, []string{"0day.rocks"}, values(indicator.Find("certbot failed at 0day[dot]rocks")))
}

// TestRoundTrip: a value that is defanged in any form, even each dot in
// another one, is found as it was, and its range is all of it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dots := rapid.SampledFrom([]string{".", "[.]", "(.)", "{.}", "[dot]", "(DOT)", "{dot}", " [.] ", " (dot) ", "[.", ".]", "\\.", "．", "。", "[．]", ".\u200b"})
	ats := rapid.SampledFrom([]string{"@", "[@]", "(@)", "{@}", "[at]", "(AT)", " [at] ", " (@) ", "\u200b@"})
	schemes := map[string][]string{
		"http":  {"http", "HTTP", "hxxp", "hXXp", "h**p", "h__p", "hzzzp", "htxp", "meow"},
		"https": {"https", "hxxps", "HXXPS", "h**ps", "hzzps"},
		"ftp":   {"ftp", "fxp", "f*p"},
	}
	colons := rapid.SampledFrom([]string{"://", "[:]//", "[://]", ":[//]", "：／／", "(:)//"})
	label := rapid.StringMatching(`[a-z][a-z0-9]{2,8}(-[a-z0-9]{1,4})?`)
	top := rapid.SampledFrom([]string{"com", "net", "ru", "co.uk", "info", "top", "xn--p1ai"})
	around := rapid.SampledFrom([]string{"", " ", "(", "\n", "see ", "> "})
	rapid.Check(t, func(t *rapid.T) {
		// each draws a form of its own for every dot.
		dotted := func(value string) string {
			var b strings.Builder
			for i, part := range strings.Split(value, ".") {
				if i > 0 {
					b.WriteString(dots.Draw(t, "dot"))
				}
				b.WriteString(part)
			}
			return b.String()
		}
		host := label.Draw(t, "label") + "." + label.Draw(t, "label") + "." + top.Draw(t, "top")
		words := strings.ReplaceAll(host, ".", " dot ")
		var kind incident.ArtifactType
		var want, text string
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			kind, want, text = incident.DNSName, host, dotted(host)
			if rapid.Bool().Draw(t, "words") {
				text = words
			}
		case 1:
			b := rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "octets")
			want = "10." + strings.Join([]string{itoa(b[0]), itoa(b[1]), itoa(b[2])}, ".")
			kind, text = incident.IPAddress, dotted(want)
		case 2:
			local := label.Draw(t, "local")
			kind, want, text = incident.EmailSender, local+"@"+host, local+ats.Draw(t, "at")+dotted(host)
			if rapid.Bool().Draw(t, "words") {
				text = local + " at " + words
			}
		default:
			scheme := rapid.SampledFrom([]string{"http", "https", "ftp"}).Draw(t, "scheme")
			path := rapid.StringMatching(`(/[a-z0-9_-]{1,5}){0,2}(/[a-z]+\.php\?id=[0-9]+)?`).Draw(t, "path")
			kind, want = incident.URL, scheme+"://"+host+path
			text = rapid.SampledFrom(schemes[scheme]).Draw(t, "form") + colons.Draw(t, "colon") + dotted(host+path)
		}
		before := around.Draw(t, "before")
		found := indicator.Find(before + text + rapid.SampledFrom([]string{"", " x", ")", ".", ", y", "\n"}).Draw(t, "after"))
		require.NotEmpty(t, found, text)
		require.Equal(t, indicator.Indicator{Type: kind, Value: want, Raw: text, Start: len(before), End: len(before) + len(text)}, found[0])
	})
}
