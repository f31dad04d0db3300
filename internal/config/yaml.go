package config

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds how deep brackets nest, and list dashes on one line. The
// parser's time grows with the square of it; our settings need 3.
const maxDepth = 16

// maxSettings bounds the colons of a file, for the same reason: a file that
// is not ours is told so at once.
const maxSettings = 10_000

// parseYAML gives the root of the only document in data; nil when it is
// empty.
func parseYAML(name string, data []byte) (ast.Node, Errors) {
	at := func(line, column int, problem, remedy string) *Error {
		return &Error{File: name, Line: max(line, 1), Column: max(column, 1), Problem: problem, Remedy: remedy}
	}
	if len(data) > maxFile {
		return nil, Errors{at(1, 1, "the file is larger than 1 MiB", "a smaller one")}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if line, column, ok := invalidText(data); ok {
		return nil, Errors{at(line, column, "the text is not valid UTF-8 or holds a NUL", "the file in UTF-8")}
	}
	tokens := lexer.Tokenize(string(data))
	if errs := refuse(tokens, at); len(errs) > 0 {
		return nil, errs
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Errors{syntaxError(err, at)}
	}
	var root ast.Node
	for i, doc := range file.Docs {
		if i > 0 {
			line, column := 1, 1
			if doc.Start != nil {
				line, column = doc.Start.Position.Line, doc.Start.Position.Column
			} else if doc.Body != nil {
				line, column = doc.Body.GetToken().Position.Line, doc.Body.GetToken().Position.Column
			}
			return nil, Errors{at(line, column, "a second YAML document starts here", "one document only")}
		}
		root = doc.Body
	}
	return root, nil
}

// refuse finds the parts of YAML that a configuration has no use for. Each
// setting stands in one place, so that its position in an error is the place
// to mend.
func refuse(tokens token.Tokens, at func(line, column int, problem, remedy string) *Error) Errors {
	var errs Errors
	depth, dashes, line, colons := 0, 0, 0, 0
	for _, tk := range tokens {
		p := tk.Position
		if p.Line != line {
			line, dashes = p.Line, 0
		}
		switch tk.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			errs = append(errs, at(p.Line, p.Column, "anchors and aliases are not supported", "the value itself, or in quotes if it is text"))
		case token.TagType:
			errs = append(errs, at(p.Line, p.Column, "tags are not supported", "the value without its tag, or in quotes if it is text"))
		case token.DirectiveType:
			errs = append(errs, at(p.Line, p.Column, "directives are not supported", "the file without it"))
		case token.MappingKeyType:
			errs = append(errs, at(p.Line, p.Column, `keys that start with "?" are not supported`, "key: value"))
		case token.SequenceEntryType:
			dashes++
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.MappingValueType:
			colons++
		}
		if colons > maxSettings {
			return append(errs, at(p.Line, p.Column, fmt.Sprintf("the file has more than %d settings", maxSettings), "a sepwatch configuration as docs/config.md shows"))
		}
		if depth > maxDepth || dashes > maxDepth {
			return append(errs, at(p.Line, p.Column, "the value nests too deep", "it as docs/config.md shows"))
		}
	}
	return errs
}

func syntaxError(err error, at func(line, column int, problem, remedy string) *Error) *Error {
	const remedy = `settings as "name: value", items of a list after "- ", and text with special characters in quotes`
	var syntax yaml.Error
	if !errors.As(err, &syntax) || syntax.GetToken() == nil {
		return at(1, 1, fmt.Sprintf("not YAML: %v", err), remedy)
	}
	p := syntax.GetToken().Position
	return at(p.Line, p.Column, "not YAML: "+syntax.GetMessage(), remedy)
}

// invalidText gives the place of the first byte that is not text.
func invalidText(data []byte) (line, column int, found bool) {
	line = 1
	for text := string(data); text != ""; {
		r, size := utf8.DecodeRuneInString(text)
		column++
		if r == 0 || r == utf8.RuneError && size == 1 {
			return line, column, true
		}
		if r == '\n' {
			line, column = line+1, 0
		}
		text = text[size:]
	}
	return 0, 0, false
}
