package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/sepwatch/sepwatch/internal/connect"
)

// decoder fills a struct from a YAML tree and goes on after each mistake. It
// remembers where every setting stands, for the checks that follow.
type decoder struct {
	file   string
	getenv func(string) (string, bool)
	errs   Errors
	// places has every setting that is written, by path.
	places map[string]place
	// failed has the settings whose value could not be read.
	failed map[string]bool
}

// place is where a setting's value stands, and how it is shown in errors:
// as written, because an expanded ${NAME} may be a secret.
type place struct {
	line, column int
	written      string
}

func newDecoder(file string, getenv func(string) (string, bool)) *decoder {
	return &decoder{file: file, getenv: getenv, places: make(map[string]place), failed: make(map[string]bool)}
}

// document fills v from the root of a document; nil is an empty one.
func (d *decoder) document(root ast.Node, v reflect.Value) {
	d.places[""] = place{line: 1, column: 1}
	d.object(root, v, "")
}

// report adds a mistake at the setting, or at what it would stand in.
func (d *decoder) report(path, problem, remedy string) {
	at, holder := d.places[path], path
	for at.line == 0 {
		holder = holder[:max(0, strings.LastIndexAny(holder, ".["))]
		at = d.places[holder]
	}
	d.failed[path] = true
	d.errs = append(d.errs, &Error{File: d.file, Line: at.line, Column: at.column, Path: path, Problem: problem, Remedy: remedy})
}

// written reports whether the setting is written and could be read.
func (d *decoder) written(path string) bool {
	_, ok := d.places[path]
	return ok && !d.failed[path]
}

// stand remembers where a setting stands. An empty token has no place of its
// own and keeps that of what it stands in.
func (d *decoder) stand(path string, tk *token.Token, written string) {
	if tk != nil && tk.Position != nil {
		d.places[path] = place{line: max(1, tk.Position.Line), column: max(1, tk.Position.Column), written: written}
	}
}

// value fills v, of any kind, from the node; nil or an empty value counts as
// not written.
func (d *decoder) value(node ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if _, empty := node.(*ast.NullNode); empty {
		node = nil
	}
	switch {
	case isObject(v.Type()):
		d.object(node, v, path)
	case node == nil:
		d.missing(v, path, tag)
	case isList(v.Type()):
		d.list(node, v, path, tag)
	case v.Type() == reflect.TypeFor[FieldValues]():
		d.fieldValues(node, v, path)
	default:
		d.scalar(node, v, path, tag)
	}
}

// fieldValues reads names that nobody here knows, each with one value or a
// list of them.
func (d *decoder) fieldValues(node ast.Node, v reflect.Value, path string) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.stand(path, node.GetToken(), "")
		d.report(path, "is not a group of fields", "the API name of each field, a colon and its value")
		return
	}
	all := make(FieldValues)
	first := make(map[string]int)
	for _, entry := range mapping.Values {
		tk := entry.Key.GetToken()
		name, at := tk.Value, join(path, keyText(tk.Value))
		if line, twice := first[name]; twice {
			d.stand(at, tk, "")
			d.report(at, fmt.Sprintf("is written twice, first in line %d", line), "it once")
			continue
		}
		first[name] = tk.Position.Line
		d.stand(at, tk, "")
		value := entry.Value
		var texts []string
		one := reflect.New(reflect.TypeFor[string]()).Elem()
		switch value.(type) {
		case *ast.NullNode:
			d.report(at, "is empty", "its value after the colon, or leave it out")
			continue
		case *ast.SequenceNode:
			d.list(value, reflect.ValueOf(&texts).Elem(), at, "")
			if len(texts) == 0 && !d.failed[at] {
				d.report(at, "is empty", "its values, or leave it out")
			}
		default:
			d.scalar(value, one, at, "")
			texts = []string{one.String()}
		}
		all[name] = texts
	}
	if len(all) > 0 {
		v.Set(reflect.ValueOf(all))
	}
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice }

// isObject tells the structs that are written as settings from those that
// are written as one text.
func isObject(t reflect.Type) bool {
	texts := []reflect.Type{reflect.TypeFor[MailboxURL](), reflect.TypeFor[connect.Proxy]()}
	return t.Kind() == reflect.Struct && !slices.Contains(texts, t)
}

func (d *decoder) object(node ast.Node, v reflect.Value, path string) {
	mapping, ok := node.(*ast.MappingNode)
	if node != nil && !ok {
		d.stand(path, node.GetToken(), "")
		d.report(path, "is not a group of settings", "one of "+strings.Join(names(v.Type()), ", ")+", each followed by a colon and its value")
		return
	}
	values := make(map[string]ast.Node)
	if mapping != nil {
		values = d.keys(mapping, v.Type(), path)
	}
	for _, f := range settings(v.Type()) {
		d.value(values[f.name], v.FieldByIndex(f.Index), join(path, f.name), f.Tag)
	}
}

// keys gives the nodes of a mapping by name, without the keys that are
// unknown or written twice.
func (d *decoder) keys(mapping *ast.MappingNode, t reflect.Type, path string) map[string]ast.Node {
	values := make(map[string]ast.Node)
	seen := make(map[string]int)
	known := names(t)
	for _, entry := range mapping.Values {
		tk := entry.Key.GetToken()
		name, at := tk.Value, join(path, keyText(tk.Value))
		fail := func(problem, remedy string) {
			d.errs = append(d.errs, &Error{File: d.file, Line: max(1, tk.Position.Line), Column: max(1, tk.Position.Column), Path: at, Problem: problem, Remedy: remedy})
		}
		if first, twice := seen[name]; twice {
			fail(fmt.Sprintf("is written twice, first in line %d", first), "it once")
			continue
		}
		seen[name] = tk.Position.Line
		if !slices.Contains(known, name) {
			fail("is not a setting", OneOf(name, known))
			continue
		}
		// The key is the place of a group or list and of an empty value;
		// a text takes its own later.
		d.stand(at, tk, "")
		values[name] = entry.Value
	}
	return values
}

func (d *decoder) list(node ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.stand(path, node.GetToken(), "")
		d.report(path, "is not a list", "each item on a line of its own after \"- \"")
		return
	}
	if len(sequence.Values) == 0 {
		// An empty list replaces the default.
		if tag.Get("required") == "true" {
			d.missing(v, path, tag)
		}
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(sequence.Values), len(sequence.Values)))
	for i, item := range sequence.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.stand(at, firstToken(item), "")
		if _, empty := item.(*ast.NullNode); empty {
			d.report(at, "is empty", "a value after \"- \", or leave the line out")
			continue
		}
		d.value(item, v.Index(i), at, "")
	}
}

// firstToken gives the token with which a node begins; goccy's block mapping
// has its first colon.
func firstToken(node ast.Node) *token.Token {
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return m.Values[0].Key.GetToken()
	}
	return node.GetToken()
}

// missing fills in the default, or reports that there is none.
func (d *decoder) missing(v reflect.Value, path string, tag reflect.StructTag) {
	if tag.Get("required") == "true" {
		problem := "is missing"
		if d.written(path) {
			problem = "is empty"
		}
		if why := tag.Get("why"); why != "" {
			problem += ": " + why
		}
		d.report(path, problem, sample(v.Type(), path, tag))
		return
	}
	if text := tag.Get("default"); text != "" {
		setText(v, text)
	}
}

// sample shows a setting as it could be written.
func sample(t reflect.Type, path string, tag reflect.StructTag) string {
	name := path[strings.LastIndex(path, ".")+1:]
	text, ok := tag.Lookup("example")
	if !ok {
		text = tag.Get("default")
	}
	switch {
	case isList(t) && isObject(t.Elem()):
		return name + ": and its items, each after \"- \""
	case isList(t):
		return name + ": [" + strings.ReplaceAll(text, "|", ", ") + "]"
	case text == "":
		return name + ": and one text"
	}
	return name + ": " + text
}

func (d *decoder) scalar(node ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	text, ok := scalarText(node)
	d.stand(path, node.GetToken(), text)
	if !ok {
		remedy := sample(v.Type(), path, tag)
		if strings.HasSuffix(path, "]") { // the parser splits texts in brackets within braces
			remedy = "one text, in quotes if it has a colon"
		}
		d.report(path, "is not a single value", remedy)
		return
	}
	expanded, problem := expand(text, d.getenv)
	if problem != nil {
		d.report(path, problem.problem, problem.remedy)
		return
	}
	if words := tag.Get("oneof"); words != "" && !slices.Contains(strings.Split(words, ","), expanded) {
		d.report(path, quote(text)+" is not one of the words allowed here", OneOf(expanded, strings.Split(words, ",")))
		return
	}
	if expanded == "" && tag.Get("required") == "true" {
		d.report(path, "is empty", sample(v.Type(), path, tag))
		return
	}
	if problem := setText(v, expanded); problem != nil {
		if _, secret := v.Interface().(Secret); !secret {
			problem.problem = strings.ReplaceAll(problem.problem, "VALUE", quote(text))
		}
		d.report(path, problem.problem, problem.remedy)
	}
}

// scalarText gives the text of a scalar as it is written, so that a password
// of digits stays what it is.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	}
	return "", false
}

// setText reads text into v, a single value or a list of texts parted by
// "|". In a fault, VALUE stands for the text as it is written.
func setText(v reflect.Value, text string) *fault {
	var problem *fault
	switch p := v.Addr().Interface().(type) {
	case *[]string:
		*p = strings.Split(text, "|")
	case *int:
		number, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return &fault{"VALUE is not a whole number from 0 on", "digits only, such as 60"}
		}
		*p = int(number)
	case *time.Duration:
		length, ok := parseLength(text)
		if !ok {
			return &fault{"VALUE is not a length of time above zero", "a number with its unit, such as 30s, 1m or 1h30m"}
		}
		*p = length
	case *Start:
		*p, problem = parseStart(text)
	case *Size:
		size, ok := parseSize(text)
		if !ok {
			return &fault{"VALUE is not a size above zero", "a whole number with its unit, such as 512KiB, 64MiB or 1GiB"}
		}
		*p = size
	case *MailboxURL:
		*p, problem = parseMailboxURL(text)
	case *connect.Fingerprint:
		fingerprint, err := connect.ParseFingerprint(text)
		if err != nil {
			return &fault{"VALUE " + err.Error(), connect.FingerprintForm}
		}
		*p = fingerprint
	case *connect.Proxy:
		proxy, err := connect.ParseProxy(text)
		if err != nil {
			return &fault{err.Error(), connect.ProxyForm}
		}
		*p = proxy
	case *Secret:
		if text == mask {
			return &fault{"is the mask that sepwatch prints in place of a secret", "the secret itself"}
		}
		if problem := secretProblem(text); problem != "" {
			return &fault{problem, "the secret alone, as one line in UTF-8"}
		}
		*p = Secret(text)
	case *bool:
		if text != "true" && text != "false" {
			return &fault{"VALUE is neither true nor false", "true or false"}
		}
		*p = text == "true"
	case *slog.Level:
		if err := p.UnmarshalText([]byte(text)); err != nil {
			return &fault{"VALUE is not a level", "debug, info, warn or error"}
		}
	default: // string and the types made of it
		v.SetString(text)
	}
	return problem
}
