package indicator

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/incident"
)

// Accepts reports whether Resilient takes the value for an artifact of the
// type: it matches the type's pattern, and where the type lets one value
// stand for several, separated by blanks or commas, it is one (contract:
// Resilient API §3.1, §3.3). A refused artifact may cost the whole incident.
// Where the pattern tolerates what is no such value (an address with leading
// zeros, say), Accepts does not.
func Accepts(t incident.ArtifactType, value string) bool {
	if strings.TrimSpace(value) == "" || strings.Contains(value, "\x00") || !utf8.ValidString(value) {
		return false
	}
	switch t {
	case incident.DNSName:
		return consistsOf(value, func(c byte) bool { return isAlnum(c) || c == '_' || c == '-' || c == '.' })
	case incident.IPAddress:
		return acceptsAddress(value)
	case incident.URL:
		return acceptsURL(value)
	case incident.MD5Hash:
		return acceptsHash(value, 32)
	case incident.SHA1Hash:
		return acceptsHash(value, 40)
	case incident.SHA256Hash:
		return acceptsHash(value, 64)
	case incident.SHA512Hash:
		return acceptsHash(value, 128)
	case incident.MACAddress:
		return acceptsMAC(value)
	case incident.CVEID:
		return acceptsCVE(value)
	case incident.RegistryKey:
		return acceptsRegistryKey(value)
	}
	return true
}

func acceptsAddress(value string) bool {
	addr, err := netip.ParseAddr(value)
	if err != nil || addr.Zone() != "" {
		return false
	}
	// Of the forms with a dotted end the pattern knows the mapped one alone.
	return addr.Is4() || addr.Is4In6() || !strings.Contains(value, ".")
}

func acceptsURL(value string) bool {
	scheme, rest, ok := strings.Cut(value, "://")
	return ok && rest != "" && isURLScheme(scheme) &&
		!strings.ContainsFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
}

// isURLScheme holds the schemes of Resilient's type URL.
func isURLScheme(scheme string) bool {
	switch scheme {
	case "http", "https", "file", "gopher", "ftp":
		return true
	}
	return false
}

func acceptsHash(value string, digits int) bool {
	if len(value) == digits+len("0x") {
		value = strings.TrimPrefix(value, "0x")
	}
	return len(value) == digits && consistsOf(value, isHex)
}

func acceptsMAC(value string) bool {
	if len(value) != len("00-50-56-8B-A6-C3") {
		return false
	}
	for i := range len(value) {
		if c := value[i]; i%3 == 2 && c != ':' && c != '-' || i%3 != 2 && !isHex(c) {
			return false
		}
	}
	return true
}

func acceptsCVE(value string) bool {
	name, rest, _ := strings.Cut(value, "-")
	year, number, ok := strings.Cut(rest, "-")
	return ok && (name == "CVE" || name == "cve") && len(year) == 4 && number != "" &&
		consistsOf(year, isDigit) && consistsOf(number, isDigit)
}

func acceptsRegistryKey(value string) bool {
	hive := hiveOf(value)
	rest := value[hive:]
	return hive > 0 && len(rest) > 1 && (rest[0] == '\\' || rest[0] == '/') && !strings.ContainsFunc(rest, isControl)
}

// hiveOf gives the length of the hive's name that the text begins with, 0
// when there is none.
func hiveOf(text string) int {
	end := 0
	for end < len(text) && (isAlpha(text[end]) || text[end] == '_') && end < maxHive {
		end++
	}
	switch name := strings.ToUpper(text[:end]); name {
	case "HKLM", "HKCU", "HKCR", "HKU", "HKCC", "HKPD", "HKDD":
		return end
	default:
		if strings.HasPrefix(name, "HKEY_") && len(name) > len("HKEY_") {
			return end
		}
	}
	return 0
}

// maxHive is longer than HKEY_CURRENT_USER_LOCAL_SETTINGS.
const maxHive = 40

func consistsOf(s string, set func(byte) bool) bool {
	for i := range len(s) {
		if !set(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool   { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool   { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isAlnum(c byte) bool   { return isDigit(c) || isAlpha(c) }
func isHex(c byte) bool     { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isControl(r rune) bool { return r < ' ' || r == 0x7f }
