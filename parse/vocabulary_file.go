package parse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// wordFile is the form of a vocabulary file; english.yaml explains it.
type wordFile struct {
	Labels    map[string][]word `yaml:"labels"`
	Sentences map[string][]word `yaml:"sentences"`
	Kinds     []struct {
		Kind     word   `yaml:"kind"`
		Subjects []word `yaml:"subjects"`
		Texts    []word `yaml:"texts"`
	} `yaml:"kinds"`
	Outcomes map[string][]word `yaml:"outcomes"`
	Sources  map[string][]word `yaml:"sources"`
	Nothing  []word            `yaml:"nothing"`
	Accounts []word            `yaml:"system_accounts"`
	Months   map[string][]word `yaml:"months"`
	AM       []word            `yaml:"am"`
	PM       []word            `yaml:"pm"`
}

// word is a text and the line of the file that has it.
type word struct {
	text string
	line int
}

// UnmarshalYAML takes any scalar, so that an action's code need not be
// quoted.
func (w *word) UnmarshalYAML(node ast.Node) error {
	scalar, ok := node.(ast.ScalarNode)
	if !ok {
		return fmt.Errorf("line %d: write a word or a number here", node.GetToken().Position.Line)
	}
	if s, ok := scalar.(*ast.StringNode); ok {
		w.text = s.Value
	} else {
		w.text = scalar.GetToken().Value
	}
	w.line = scalar.GetToken().Position.Line
	return nil
}

// maxWordFile bounds a vocabulary file in bytes.
const maxWordFile = 1 << 20

// With returns the vocabulary with the words of a file added; name is the
// file's in errors. Where a word is known already, the file's meaning counts,
// and its kinds are looked for before those that are known. The error names
// every mistake with its line.
func (v *Vocabulary) With(name string, data []byte) (*Vocabulary, error) {
	if len(data) > maxWordFile {
		return nil, fmt.Errorf("%s: larger than %d bytes, which no list of words is", name, maxWordFile)
	}
	var file wordFile
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&file)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a := adder{Vocabulary: v.clone(), name: name}
	a.all(file)
	if len(a.errs) > 0 {
		return nil, errors.Join(a.errs...)
	}
	return a.Vocabulary, nil
}

// adder puts the words of one file into a vocabulary.
type adder struct {
	*Vocabulary
	name string
	errs []error
}

func (a *adder) all(file wordFile) {
	fields := make(map[string]field, fieldCount)
	for f, name := range fieldNames() {
		fields[name] = field(f)
	}
	addWords(a, "labels", file.Labels, fields, a.labels, a.labelWord)
	outcomes := make(map[string]Outcome)
	for _, o := range Outcomes() {
		outcomes[string(o)] = o
	}
	addWords(a, "outcomes", file.Outcomes, outcomes, a.outcomes, a.plainWord)
	sources := make(map[string]string)
	for _, s := range Sources() {
		sources[s] = s
	}
	addWords(a, "sources", file.Sources, sources, a.sources, func(w word) string {
		return a.plainWord(word{strings.ReplaceAll(w.text, "-", " "), w.line})
	})
	months := make(map[string]time.Month)
	for m := time.January; m <= time.December; m++ {
		months[strings.ToLower(m.String()[:3])] = m
	}
	addWords(a, "months", file.Months, months, a.months, a.plainWord)
	addWords(a, "", map[string][]word{"AM": file.AM, "PM": file.PM}, map[string]string{"AM": "AM", "PM": "PM"}, a.halves, a.plainWord)
	for list, known := range map[*[]word]map[string]bool{&file.Nothing: a.nothing, &file.Accounts: a.accounts} {
		for _, w := range *list {
			if text := a.plainWord(w); text != "" {
				known[text] = true
			}
		}
	}
	for word := range a.nothing {
		a.nothingStarts[word[0]], a.nothingStarts[strings.ToUpper(word)[0]] = true, true
	}
	for _, blank := range []string{" ", "\t", "\r", mime.CellBreak, "\u00a0", "\u202f", "\u3000", "\ufeff"} {
		a.nothingStarts[blank[0]] = true
	}
	a.fixed(file.Sentences)
	a.conditions(file)
}

// addWords adds lists of words, each under the name of what they mean.
func addWords[V comparable](a *adder, section string, lists map[string][]word, meanings map[string]V, into map[string]V, read func(word) string) {
	here := make(map[string]V)
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		meaning, ok := meanings[name]
		if !ok {
			a.fail(firstLine(lists[name]), "%s: %q is not one of %s", section, name, strings.Join(slices.Sorted(maps.Keys(meanings)), ", "))
			continue
		}
		for _, w := range lists[name] {
			text := read(w)
			if text == "" {
				continue
			}
			if other, twice := here[text]; twice && other != meaning {
				a.fail(w.line, "%s: %q stands under two names: keep one of them", section, w.text)
			}
			here[text], into[text] = meaning, meaning
		}
	}
}

// plainWord is the folded form of a word; it is empty, and said so, when it
// is none.
func (a *adder) plainWord(w word) string {
	text := fold(w.text)
	if text == "" {
		a.fail(w.line, "%q is empty or longer than %d bytes", w.text, maxWord)
	}
	return text
}

func (a *adder) labelWord(w word) string {
	text := fold(w.text)
	if text == "" || len(text)+8 > maxLabel || strings.ContainsAny(text, ":：") {
		a.fail(w.line, "labels: %q cannot be a label: write what stands before the colon, at most %d bytes", w.text, maxLabel-8)
		return ""
	}
	return text
}

// fixed adds the fixed sentences.
func (a *adder) fixed(lists map[string][]word) {
	names := [sentenceCount]string{"heading", "footer", "generated_at", "attack"}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		at := slices.Index(names[:], name)
		if at < 0 {
			a.fail(firstLine(lists[name]), "sentences: %q is not one of %s", name, strings.Join(names[:], ", "))
			continue
		}
		for _, w := range lists[name] {
			text := strings.TrimSpace(w.text)
			if len([]rune(text)) < shortestSentence {
				a.fail(w.line, "sentences: %q is shorter than %d characters and would be found in any mail", w.text, shortestSentence)
				continue
			}
			a.sentences[at] = append(a.sentences[at], text)
			a.starts[strings.ToLower(text)[0]] = true
			a.starts[strings.ToUpper(text)[0]] = true
		}
	}
}

// conditions adds the kinds, before those that are known.
func (a *adder) conditions(file wordFile) {
	var added []kindWords
	for _, k := range file.Kinds {
		kind := Kind(k.Kind.text)
		if !slices.Contains(Kinds(), kind) || kind == Unknown {
			a.fail(max(1, k.Kind.line), "kinds: %q is not one of %s", k.Kind.text, kindNames())
			continue
		}
		added = append(added, kindWords{kind: kind, subjects: a.patterns(k.Subjects), texts: a.patterns(k.Texts)})
	}
	a.kinds = append(added, a.kinds...)
}

func (a *adder) patterns(words []word) []string {
	var list []string
	for _, w := range words {
		if len([]rune(strings.ReplaceAll(w.text, "*", ""))) < shortestPattern {
			a.fail(w.line, "kinds: %q is shorter than %d characters and would be found in any mail", w.text, shortestPattern)
			continue
		}
		list = append(list, strings.ToLower(w.text))
	}
	return list
}

// What is shorter says nothing about a mail.
const (
	shortestSentence = 6
	shortestPattern  = 4
)

func (a *adder) fail(line int, format string, args ...any) {
	a.errs = append(a.errs, fmt.Errorf("%s: line %d: %s", a.name, line, fmt.Sprintf(format, args...)))
}

func firstLine(words []word) int {
	if len(words) == 0 {
		return 1
	}
	return words[0].line
}

func kindNames() string {
	var names []string
	for _, k := range Kinds() {
		if k != Unknown {
			names = append(names, string(k))
		}
	}
	return strings.Join(names, ", ")
}
