package parse

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Vocabulary is the words by which mail is understood: labels, fixed
// sentences, subjects, actions and their outcomes. It is immutable.
//
// The label table is closed: only what is in it fills a field of an event
// (contract: SEPM e-mail §1.10). [English] is built in; files that
// [Vocabulary.With] adds bring other languages and layouts without a release.
type Vocabulary struct {
	labels    map[string]field
	sentences [sentenceCount][]string
	starts    [256]bool // first bytes of lower-case sentences
	kinds     []kindWords
	outcomes  map[string]Outcome
	sources   map[string]string
	nothing   map[string]bool
	// nothingStarts are their first bytes, and those of blanks before them.
	nothingStarts [256]bool
	accounts      map[string]bool
	months        map[string]time.Month
	halves        map[string]string // words for AM and PM
}

// kindWords are the texts that tell one kind of mail, in lower case.
type kindWords struct {
	kind            Kind
	subjects, texts []string
}

// sentence is one of the fixed sentences of a SEPM mail.
type sentence uint8

const (
	headingSentence   sentence = iota // begins the list of events
	footerSentence                    // begins the footer
	generatedSentence                 // the same, and the date follows
	attackSentence                    // the attacker's address follows
	sentenceCount
)

//go:embed english.yaml
var englishFile []byte

// English is the built-in vocabulary: SEPM's own words, and every other
// spelling that the sources have (contract: SEPM e-mail §1.10).
var English = sync.OnceValue(func() *Vocabulary {
	v, err := new(Vocabulary).With("english.yaml", englishFile)
	if err != nil {
		panic(fmt.Sprintf("the built-in vocabulary: %v", err)) // a test reads it
	}
	return v
})

// label looks a label up, whatever its case, and the kind and number of its
// blanks.
func (v *Vocabulary) label(name string) (f field, known bool) {
	var folded [maxLabel]byte
	n, ok := foldInto(folded[:], name)
	if !ok {
		return noField, false
	}
	f, known = v.labels[string(folded[:n])]
	return f, known
}

// foldInto writes s in lower case with single blanks, and reports whether it
// has room.
func foldInto(folded []byte, s string) (n int, ok bool) {
	gap := false
	for i := 0; i < len(s); {
		c, width := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, width = utf8.DecodeRuneInString(s[i:])
		}
		if (c <= ' ' || width > 1) && isBlank(s[i:i+width]) {
			gap = n > 0
			i += width
			continue
		}
		if n+1+utf8.UTFMax > len(folded) {
			return 0, false
		}
		if gap {
			folded[n], gap = ' ', false
			n++
		}
		switch {
		case 'A' <= c && c <= 'Z':
			folded[n] = byte(c) + 'a' - 'A'
			n++
		case width == 1:
			folded[n] = s[i]
			n++
		default:
			n += utf8.EncodeRune(folded[n:], unicode.ToLower(c))
		}
		i += width
	}
	return n, true
}

// find looks a word up by its folded form, without a copy of it.
func find[V any](words map[string]V, s string) (meaning V, ok bool) {
	var folded [maxWord + 2*utf8.UTFMax]byte
	if len(s) > maxWord {
		return meaning, false
	}
	n, ok := foldInto(folded[:], s)
	if !ok {
		return meaning, false
	}
	meaning, ok = words[string(folded[:n])]
	return meaning, ok
}

// fold is what a word of a vocabulary is held by; it is empty for what is
// longer than any.
func fold(s string) string {
	folded := make([]byte, maxWord+2*utf8.UTFMax)
	if len(s) > maxWord {
		return ""
	}
	n, _ := foldInto(folded, s)
	return string(folded[:n])
}

// Beyond these many bytes nothing is a label or a word.
const (
	maxLabel = 80
	maxWord  = 120
)

// begins reports whether a line begins with one of the sentences, and gives
// what follows it.
func (v *Vocabulary) begins(which sentence, line string) (rest string, ok bool) {
	for _, s := range v.sentences[which] {
		if rest, ok = cutFold(line, s); ok {
			return rest, true
		}
	}
	return "", false
}

// maybeSentence reports whether a sentence may begin the line: they are rare,
// so that one byte decides for almost every line.
func (v *Vocabulary) maybeSentence(line string) bool {
	c := line[0]
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return v.starts[c]
}

// outcome tells what an action taken means for the endpoint. What the table
// does not have is unknown, which never lowers a severity.
func (v *Vocabulary) outcome(action string) Outcome {
	if o, ok := find(v.outcomes, action); ok {
		return o
	}
	return UnknownResult
}

// source gives the id of what found the risk, empty where it is unknown. A
// hyphen is a blank here: the database and the mail differ in it (contract:
// SEPM e-mail §1.3).
func (v *Vocabulary) source(s string) string {
	id, _ := find(v.sources, strings.ReplaceAll(s, "-", " "))
	return id
}

// isNothing reports whether the value is one of SEPM's words for no value
// (contract: SEPM e-mail §1.10).
func (v *Vocabulary) isNothing(s string) bool {
	if s == "" || !v.nothingStarts[s[0]] { // as almost always
		return s == ""
	}
	nothing, _ := find(v.nothing, s)
	return nothing
}

// isSystemAccount reports whether every Windows host has the account, so
// that it says nothing about a person.
func (v *Vocabulary) isSystemAccount(user string) bool {
	system, _ := find(v.accounts, user)
	return system
}

// clone copies what [Vocabulary.With] adds to.
func (v *Vocabulary) clone() *Vocabulary {
	c := &Vocabulary{
		labels: clone(v.labels), starts: v.starts, kinds: slices.Clone(v.kinds), outcomes: clone(v.outcomes),
		nothingStarts: v.nothingStarts,
		sources:       clone(v.sources), nothing: clone(v.nothing), accounts: clone(v.accounts), months: clone(v.months), halves: clone(v.halves),
	}
	for i, list := range v.sentences {
		c.sentences[i] = slices.Clone(list)
	}
	return c
}

func clone[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// matches reports whether a text in lower case holds a pattern, in which "*"
// stands for anything.
func matches(text, pattern string) bool {
	for part := range strings.SplitSeq(pattern, "*") {
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}
