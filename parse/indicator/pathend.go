package indicator

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// pathReader finds where a path ends. Names have blanks, so in a sentence
// nothing says so for certain: what stands in quotes, or alone behind a label,
// is taken whole; elsewhere a path goes on over a blank where a separator
// or a well-known file extension follows.
type pathReader struct {
	text  string
	root  root
	start int
}

// end gives the end of the path, which is not behind its root when there is
// no path.
func (p *pathReader) end() int {
	body := p.start + p.root.length
	if end, ok := p.quotedEnd(body); ok {
		return end
	}
	words, plain := labelAt(p.text, p.start)
	end := p.sentenceEnd(body, !plain && words.ofFile())
	return body + len(p.trim(p.text[body:end]))
}

// trim leaves out what belongs to the sentence.
func (p *pathReader) trim(body string) string {
	for {
		short := strings.TrimRight(trimSentence(body), " ->") // the - of an arrow
		if short == body {
			return body
		}
		body = short
	}
}

// quotedEnd gives the end of a path that stands in quotes.
func (p *pathReader) quotedEnd(body int) (end int, ok bool) {
	before, _ := utf8.DecodeLastRuneInString(p.text[:p.start])
	quote, ok := closingQuote(before)
	if !ok {
		return 0, false
	}
	for end = body; end < len(p.text) && end-body <= maxPart; {
		r, size := utf8.DecodeRuneInString(p.text[end:])
		next, _ := utf8.DecodeRuneInString(p.text[end+size:])
		_, another := rootAt(p.text, end)
		switch {
		case r == quote && (quote != '\'' || !unicode.IsLetter(next)): // not that of Bob's
			return end, end > body && strings.TrimSpace(p.text[body:end]) == p.text[body:end]
		case p.isMember(end):
			size = len(">>")
		case another && end > body || p.forbids(r, size) && (r != ':' || p.stream(end) == end) || p.isArgument(body, end):
			return 0, false
		}
		end += size
	}
	return 0, false
}

func closingQuote(open rune) (rune, bool) {
	switch open {
	case '"', '\'', '`', '”', '’':
		return open, true
	case '“', '„':
		return '”', true
	case '‘':
		return '’', true
	case '«':
		return '»', true
	}
	return 0, false
}

// forbids reports whether a character stands in no path of the kind.
func (p *pathReader) forbids(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size <= 1 || unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
		return true
	case p.root.kind == unix:
		return strings.ContainsRune("\"'`<>|;&*?", r)
	case p.root.kind == registry:
		return strings.ContainsRune("\"<>|", r)
	}
	return strings.ContainsRune(`"<>|?*:`, r)
}

// sentenceEnd gives the end of a path with nothing around it to tell.
func (p *pathReader) sentenceEnd(body int, alone bool) int {
	part := body          // where the name begins that is being read
	blank, last := -1, -1 // the first blank of the name; the end of the last word in it with an extension
	at := body
	for at < len(p.text) && at-part <= maxPart {
		r, size := utf8.DecodeRuneInString(p.text[at:])
		switch {
		case p.isMember(at):
			size = len(">>")
			part, blank, last = at+size, -1, -1
		case r == ':' && p.root.kind != unix:
			if stream := p.stream(at); stream > at && (blank < 0 || alone) {
				return stream
			}
			return p.stop(at, blank, last, false)
		case r == ':' && p.listGoesOn(at), p.forbids(r, size):
			return p.stop(at, blank, last, alone)
		case byte(r) == p.root.separator && size == 1:
			if at > part && p.text[at-1] == ' ' || !p.root.doubled && blank >= 0 && strings.HasPrefix(p.text[at:], `\\`) {
				return p.stop(at, blank, last, false)
			}
			part, blank, last = at+1, -1, -1
		case unicode.IsSpace(r):
			word := p.text[part:at]
			if word == "" {
				return at
			}
			if p.endsName(part, blank, at) {
				last = at
				if !alone || p.isArgument(body, at) {
					return at
				}
			}
			if p.root.kind == unix && !alone || p.endsAt(word, at+size, alone) {
				return p.stop(at, blank, last, false)
			}
			if blank < 0 {
				blank = at
			}
		}
		at += size
	}
	if at-part > maxPart {
		return max(body, blank, last) // of no blank: no path
	}
	return p.stop(at, blank, last, alone)
}

// stop decides where a path ends, of which the last name may go on to the
// place.
func (p *pathReader) stop(at, blank, last int, alone bool) int {
	switch {
	case blank < 0 || alone && last < 0 || p.endsName(blank+1, blank, at):
		return at
	case last >= 0:
		return last
	}
	return blank
}

// endsName reports whether the name ends in the extension of a file. What
// stands behind a blank and may be a host's name is taken for one: "C:\Windows
// to evil.com".
func (p *pathReader) endsName(part, blank, at int) bool {
	if blank < 0 {
		return hasExtension(p.text[part:at])
	}
	word := strings.TrimRight(p.text[part+strings.LastIndexByte(p.text[part:at], ' ')+1:at], ".,;")
	_, _, isHost := publicName(word)
	return hasExtension(word) && (!isHost || isFileExtension(word[strings.LastIndexByte(word, '.')+1:]))
}

// endsAt reports whether at a blank behind the word the path ends for
// certain, or in a sentence most likely.
func (p *pathReader) endsAt(word string, next int, alone bool) bool {
	if next < len(p.text) {
		if _, ok := rootAt(p.text, next); ok {
			return true
		}
	}
	if alone {
		return false
	}
	const mostBlanks = 5 // of one name
	if strings.IndexByte(",;:", word[len(word)-1]) >= 0 || strings.Count(word, " ") >= mostBlanks {
		return true
	}
	following := p.text[next:min(len(p.text), next+len("were "))]
	following, _, _ = strings.Cut(following, " ")
	switch following {
	case "was", "is", "were", "has", "had", "by", "from", "on", "at", "->":
		return true
	}
	return false
}

// isMember: behind >> stands the member of an archive, as SEPM writes it.
func (p *pathReader) isMember(at int) bool {
	rest := p.text[at:]
	if p.root.kind == registry || at <= p.start+p.root.length || p.text[at-1] == ' ' || len(rest) < 3 || !strings.HasPrefix(rest, ">>") {
		return false
	}
	r, size := utf8.DecodeRuneInString(rest[2:])
	return !p.forbids(r, size) && !unicode.IsSpace(r) && byte(r) != p.root.separator
}

// stream gives the end of the name of an alternate data stream that begins
// with the colon at the place: ::$DATA, :Zone.Identifier or another file.
// "x.c:12" and "x.exe: infected" have none.
func (p *pathReader) stream(at int) int {
	if p.root.kind == registry {
		return at
	}
	end := at + 1
	for end < len(p.text) && end-at <= maxPart && (isWordByte(p.text[end]) || strings.IndexByte(".:$", p.text[end]) >= 0) {
		end++
	}
	name := strings.TrimRight(p.text[at:end], ".:")
	if strings.HasSuffix(name, ":$DATA") || name == ":Zone.Identifier" || hasExtension(name) {
		return at + len(name)
	}
	return at
}

// listGoesOn: a colon ends a path where another follows, as in PATH, or the
// sentence goes on.
func (p *pathReader) listGoesOn(at int) bool {
	return at+1 == len(p.text) || strings.IndexByte(" /\t\r\n", p.text[at+1]) >= 0
}

// isArgument reports whether the path up to the place is a program, and what
// follows one of its arguments: cmd.exe /c, x.exe -k.
func (p *pathReader) isArgument(body, at int) bool {
	rest := p.text[at:]
	return len(rest) > 2 && rest[0] == ' ' && (rest[1] == '/' || rest[1] == '-') && rest[2] != ' ' && hasExtension(p.text[body:at])
}

// hasExtension reports whether the text ends in the extension of a file,
// perhaps with the punctuation of a sentence behind it.
func hasExtension(text string) bool {
	text = strings.TrimRight(text, `.,;)]}'`)
	const longest = len(".properties")
	near := text[max(0, len(text)-longest):]
	dot := strings.LastIndexByte(near, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(near[dot+1:]) {
	case "exe", "dll", "sys", "com", "scr", "drv", "ocx", "cpl", "efi", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js", "jse", "wsf", "wsh",
		"hta", "lnk", "pif", "url", "msi", "msp", "mst", "reg", "inf", "ini", "cfg", "conf", "config", "xml", "json", "yml", "yaml", "properties",
		"txt", "log", "tmp", "dat", "data", "db", "bin", "bak", "old", "doc", "docx", "docm", "dot", "dotm", "xls", "xlsx", "xlsm", "xlsb", "ppt",
		"pptx", "pptm", "pdf", "rtf", "csv", "one", "chm", "htm", "html", "mht", "php", "asp", "aspx", "jsp", "jar", "war", "class", "py", "pyc",
		"pl", "sh", "rb", "zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "cab", "iso", "img", "vhd", "vhdx", "dmg", "pkg", "app", "apk",
		"deb", "rpm", "so", "dylib", "ko", "eml", "msg", "pst", "ost", "gif", "jpg", "jpeg", "png", "bmp", "ico", "svg", "mp3", "mp4", "avi", "mov",
		"wmv", "mkv", "torrent", "crdownload", "part", "key", "pem", "cer", "pfx":
		return true
	}
	return false
}
