package indicator

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/incident"
)

// span is a range of bytes of a text.
type span struct{ start, end int }

// Paths end where the file systems' limits are.
const (
	maxPath = 32767 // Windows, with \\?\
	maxPart = 768   // bytes of a name: 255 characters of up to three bytes
)

// findPaths finds the file paths and registry keys of a text, with the hosts
// of UNC paths, and all ranges in which one stands: what looks like a domain
// or an address in a path is none. A path is taken as it stands, byte for
// byte, so this reads the text itself and not its refanged copy.
func findPaths(text string) (found list, spans []span) {
	found.text = text
	for at := 0; at < len(text); at++ {
		if strings.HasPrefix(text[at:], "://") {
			// The path of a URL is none of a file.
			blank := strings.IndexFunc(text[at:], unicode.IsSpace)
			if blank < 0 {
				break
			}
			at += blank
			continue
		}
		root, ok := rootAt(text, at)
		if !ok {
			continue
		}
		p := pathReader{text: text, root: root, start: at}
		end := p.end()
		if end <= at+root.length {
			continue
		}
		spans = append(spans, span{at, end})
		if end-at <= maxPath {
			found.path(root, at, end)
		}
		at = end - 1
	}
	return found, spans
}

func (l *list) path(r root, start, end int) {
	value := l.text[start:end]
	if r.kind == registry {
		hive := hiveOf(value)
		l.add(incident.RegistryKey, strings.ToUpper(value[:hive])+strings.TrimPrefix(value[hive:], ":"), start, end)
		return
	}
	if r.doubled {
		value = strings.ReplaceAll(value, `\\`, `\`)
	}
	l.add(incident.FilePath, value, start, end)
	if r.kind != unc {
		return
	}
	slashes := len(l.text[start:end]) - len(strings.TrimLeft(l.text[start:end], `\`))
	host := l.text[start+slashes:]
	host = host[:strings.IndexAny(host, `\@`)]
	start, end = start+slashes, start+slashes+len(host)
	switch name, addr := uncHost(host); {
	case addr.IsValid():
		l.address(addr, start, end)
	case name != "":
		l.add(incident.DNSName, name, start, end)
	}
}

// root is what a path begins with: what tells it from other text.
type root struct {
	kind      rootKind
	length    int
	separator byte
	// doubled: each \ of the path is written as two, as programs do.
	doubled bool
}

type rootKind uint8

const (
	drive    rootKind = iota // C:\ C:/ \\?\ \Device\ %TEMP%\ CSIDL_SYSTEM\
	unc                      // \\host\
	unix                     // /tmp/
	registry                 // HKLM\
)

// rootAt gives the root that stands at the place. A path with no root, such as
// SEPM's My Company\Default Group, cannot be told from other text.
func rootAt(text string, at int) (root, bool) {
	rest, c := text[at:], text[at]
	possible := c == '/' || c == '\\' || c == '%' || c|0x20 == 'h' || c == 'C' || isAlpha(c) && strings.HasPrefix(rest[1:], ":")
	if !possible || !beginsPath(text, at) {
		return root{}, false
	}
	r, ok := readRoot(rest)
	// Something has to follow it that may begin a name.
	return r, ok && r.length < len(rest) && strings.IndexByte("\\/ \t\r\n\"'<>|?*:", rest[r.length]) < 0
}

func readRoot(rest string) (root, bool) {
	switch c := rest[0]; {
	case c == '/':
		return unixRoot(rest)
	case c == '\\':
		return backslashRoot(rest)
	case c == '%':
		name := strings.IndexByte(rest[1:min(len(rest), maxHive)], '%')
		if name < 1 || strings.ContainsAny(rest[1:1+name], ` \/`) {
			return root{}, false
		}
		return withSeparator(root{length: name + 2}, rest)
	case len(rest) > 2 && rest[1] == ':':
		if strings.HasPrefix(rest[2:], "//") {
			return root{}, false // a scheme of one letter
		}
		return withSeparator(root{length: 2}, rest)
	case c|0x20 == 'h':
		hive := hiveOf(rest)
		if hive == 0 {
			return root{}, false
		}
		if strings.HasPrefix(rest[hive:], `:\`) { // of PowerShell
			hive++
		}
		r, ok := withSeparator(root{kind: registry, length: hive}, rest)
		return r, ok && r.separator == '\\'
	case c == 'C' && strings.HasPrefix(rest, "CSIDL_"): // as Symantec's products write system folders
		name := len("CSIDL_")
		for name < min(len(rest), maxHive) && (isUpper(rest[name]) || rest[name] == '_') {
			name++
		}
		return withSeparator(root{length: name}, rest)
	}
	return root{}, false
}

// beginsPath reports whether what stands before the place may do so before a
// path: nothing that would belong to a longer word or path.
func beginsPath(text string, at int) bool {
	if at == 0 {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	switch {
	case unicode.IsLetter(before) || unicode.IsDigit(before):
		return false
	case before == ':': // Path:C:\x, host:/tmp/x, but not http:\\x
		return text[at] != '\\'
	}
	return !strings.ContainsRune(`\/._-%$~+@&*)]}`, before)
}

// withSeparator completes a root that a separator has to follow.
func withSeparator(r root, text string) (root, bool) {
	if r.length >= len(text) || text[r.length] != '\\' && text[r.length] != '/' {
		return r, false
	}
	r.separator = text[r.length]
	r.length++
	if strings.HasPrefix(text[r.length:], `\`) && r.separator == '\\' {
		r.doubled = true
		r.length++
	}
	return r, true
}

// backslashRoot reads the roots of Windows that begin with a backslash.
func backslashRoot(text string) (root, bool) {
	for _, prefix := range [...]string{`\\?\UNC\`, `\\?\`, `\\.\`, `\??\`, `\Device\`, `\SystemRoot\`} {
		if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			r := root{length: len(prefix), separator: '\\'}
			if rest := text[len(prefix):]; len(rest) > 2 && rest[1] == ':' && rest[2] == '\\' {
				r.length += len(`C:\`)
			}
			return r, true
		}
	}
	slashes := 0
	for slashes < len(text) && text[slashes] == '\\' && slashes < len(`\\\\`) {
		slashes++
	}
	if slashes%2 != 0 {
		return root{}, false
	}
	host := slashes
	for host < len(text) && host-slashes <= maxName && (isWordByte(text[host]) && text[host] < utf8.RuneSelf || text[host] == '.' || text[host] == '@') {
		host++
	}
	name := text[slashes:host]
	if name == "" || strings.IndexByte(".-@", name[0]) >= 0 || strings.HasSuffix(name, ".") || !validService(name) {
		return root{}, false
	}
	r, ok := withSeparator(root{kind: unc, length: host}, text)
	return r, ok && r.separator == '\\' && r.doubled == (slashes == 4)
}

// validService checks what may stand behind the host of a UNC path: @SSL, a
// port, or both.
func validService(host string) bool {
	_, service, ok := strings.Cut(host, "@")
	if !ok {
		return true
	}
	service = strings.ToUpper(service)
	if service == "SSL" {
		return true
	}
	port := strings.TrimPrefix(service, "SSL@")
	return port != "" && len(port) <= 5 && consistsOf(port, isDigit)
}

// unixRoot reads the first folder of a path of Linux or macOS, from the list
// of those that there are: "and/or" and "/24" have none.
func unixRoot(text string) (root, bool) {
	end := strings.IndexByte(text[1:min(len(text), maxHive)], '/') + 1
	switch text[1:max(1, end)] {
	case "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt", "proc", "root", "run", "sbin", "snap", "srv",
		"sys", "tmp", "usr", "var",
		"Applications", "Library", "System", "Users", "Volumes", "cores", "private":
		return root{kind: unix, length: end + 1, separator: '/'}, true
	}
	return root{}, false
}
