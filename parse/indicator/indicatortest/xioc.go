// Package indicatortest scores what is found in free text against the cases of
// assafmo/xioc (testdata/xioc).
package indicatortest

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

// Score is how well one type of value is found.
type Score struct {
	Type string // domain, url, email, ip4 or ip6
	// Right were found and are expected; False were found and are not; Missed
	// are expected and were not found. A value of False and Missed is named
	// with its text.
	Right         int
	False, Missed []string
}

// Precision is the share of what was found that is expected.
func (s Score) Precision() float64 { return share(s.Right, len(s.False)) }

// Recall is the share of what is expected that was found.
func (s Score) Recall() float64 { return share(s.Right, len(s.Missed)) }

func share(right, wrong int) float64 { return float64(right) / float64(right+wrong) }

// expected is what xioc expects of one text.
type expected struct {
	Domains, URLs, Emails, IP4s, IP6s []string
}

// Xioc scores [indicator.Find] on every case of the file. Expected and found
// values are compared in the canonical form of [indicator.Indicator], because
// xioc has some as they are written: an IPv6 address uncompressed, the name
// papaya.рф where Resilient takes only xn--papaya-… of it.
//
// Its domains and addresses are also the hosts of URLs and e-mail addresses.
// Find gives the host of a URL by itself, but makes no DNS Name of the domain
// of an e-mail address, which is a mail provider's more often than not; so
// that domain is counted as found with the address.
func Xioc(tb testing.TB, testdata string) []Score {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, "xioc", "tests.json"))
	require.NoError(tb, err)
	cases := map[string]expected{}
	require.NoError(tb, json.Unmarshal(data, &cases))
	scores := []Score{{Type: "domain"}, {Type: "url"}, {Type: "email"}, {Type: "ip4"}, {Type: "ip6"}}
	for text, want := range cases {
		got := find(text)
		for i, pair := range [][2][]string{
			{got.Domains, want.Domains}, {got.URLs, want.URLs}, {got.Emails, want.Emails}, {got.IP4s, want.IP4s}, {got.IP6s, want.IP6s},
		} {
			scores[i].count(text, set(pair[0]), set(pair[1]))
		}
	}
	return scores
}

// find gives what is found in a text by xioc's types.
func find(text string) (got expected) {
	for _, i := range indicator.Find(text) {
		switch i.Type {
		case incident.DNSName:
			got.Domains = append(got.Domains, i.Value)
		case incident.URL:
			got.URLs = append(got.URLs, i.Value)
		case incident.EmailSender:
			got.Emails = append(got.Emails, i.Value)
			domain := i.Value[strings.LastIndexByte(i.Value, '@')+1:]
			if _, err := netip.ParseAddr(domain); err != nil {
				got.Domains = append(got.Domains, domain)
			}
		case incident.IPAddress:
			if strings.Contains(i.Value, ":") {
				got.IP6s = append(got.IP6s, i.Value)
			} else {
				got.IP4s = append(got.IP4s, i.Value)
			}
		}
	}
	return got
}

func (s *Score) count(text string, got, want map[string]bool) {
	for value := range got {
		if want[value] {
			s.Right++
		} else {
			s.False = append(s.False, value+" in "+text)
		}
	}
	for value := range want {
		if !got[value] {
			s.Missed = append(s.Missed, value+" in "+text)
		}
	}
}

func set(values []string) map[string]bool {
	all := map[string]bool{}
	for _, value := range values {
		all[canonical(value)] = true
	}
	return all
}

// canonical brings a value of any type to its canonical form.
func canonical(value string) string {
	if addr, err := netip.ParseAddr(value); err == nil {
		return addr.String()
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		return strings.Replace(value, u.Host, ascii(u.Host), 1)
	}
	return ascii(value)
}

func ascii(name string) string {
	if short, err := idna.New(idna.MapForLookup(), idna.CheckHyphens(false), idna.StrictDomainName(false)).ToASCII(name); err == nil {
		return short
	}
	return name
}
