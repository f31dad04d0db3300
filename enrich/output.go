package enrich

import (
	"encoding/json"
	"iter"

	"github.com/sepwatch/sepwatch/incident"
)

const (
	// maxContent bounds the content of a whole result, in bytes of JSON. What
	// goes beside it in an answer to a workflow is small.
	maxContent = 1<<20 - 8<<10
	// maxAttachment bounds the attachment of one: Resilient takes 25 MB.
	maxAttachment = 24 << 20
)

// Output is what a function gives, as it comes: a table, and JSON under SEPM's
// and fn_sep's names. It needs no more memory for many items than for few.
type Output struct {
	// Columns are those of the table.
	Columns []string
	// Items end with the error where there is one. They are read once.
	Items iter.Seq2[Item, error]
	// Warnings say what a caller may not have expected.
	Warnings []string

	// gather makes one object of the items; nil is the JSON of the first.
	gather gatherer
}

// Item is one part of a function's output, such as a computer.
type Item struct {
	// JSON encodes the item; nil where that of an item before has this one in
	// it.
	JSON any
	// Cells are those of the item's line in the table, nil for no line.
	Cells []string
	// Note is a sentence for who reads the table, about what came before.
	Note string

	// beside is what a whole result has beside its list: an object.
	beside any
}

// Result is all of a function's output in one object, for a workflow.
type Result struct {
	// Content is encoded by [json.Marshal], under fn_sep's keys, to at most 1
	// MiB.
	Content any
	// Problem is SEPM's refusal, where Content is its answer to a call that did
	// nothing: errorCode and errorMessage, in which workflow scripts look.
	Problem  error
	Warnings []string
	// Truncated is whether the content lacks something, which the attachment
	// has.
	Truncated  bool
	Attachment *incident.Attachment
}

// gatherer makes one object of items.
type gatherer interface {
	add(Item) error
	result() (Result, error)
}

// whole gathers the output. With an error it gives what came before.
func (o Output) whole() (Result, error) {
	g := o.gather
	if g == nil {
		g = new(singleResult)
	}
	var failed error
	for item, err := range o.Items {
		if err == nil {
			err = g.add(item)
		}
		if err != nil {
			failed = err
			break
		}
	}
	result, err := g.result()
	if failed != nil {
		err = failed
	}
	result.Warnings = append(o.Warnings, result.Warnings...)
	return result, err
}

// one is the output of a function whose result is one object, with lines for
// the table.
func one(content any, columns []string, lines ...[]string) Output {
	return Output{Columns: columns, Items: func(yield func(Item, error) bool) {
		for i, cells := range lines {
			item := Item{Cells: cells}
			if i == 0 {
				item.JSON = content
			}
			if !yield(item, nil) {
				return
			}
		}
	}}
}

// singleResult is the one object of a result.
type singleResult struct {
	content any
	file    string // the name of the attachment where it is too large
}

func (s *singleResult) add(item Item) error {
	if s.content == nil {
		s.content = item.JSON
	}
	return nil
}

func (s *singleResult) result() (Result, error) {
	data, err := json.Marshal(s.content)
	if err != nil || len(data) <= maxContent {
		return Result{Content: s.content}, err
	}
	return cut(map[string]any{}, newAttachment(s.file, "application/json", data)), nil
}

// listResult is the result of a function that lists something.
type listResult struct {
	// key is that of the list in the content; empty where the list is all of
	// the content.
	key  string
	file string // the name of the attachment
	csv  *csvFile

	kept   []json.RawMessage
	size   int
	cut    bool
	beside map[string]any
}

func newListResult(key, file string, columns []string) *listResult {
	return &listResult{key: key, file: file, csv: newCSVFile(columns...), kept: []json.RawMessage{}, beside: make(map[string]any)}
}

func (l *listResult) add(item Item) error {
	if item.Cells != nil {
		l.csv.add(item.Cells...)
	}
	if item.beside != nil {
		return merge(l.beside, item.beside)
	}
	if item.JSON == nil {
		return nil
	}
	data, err := json.Marshal(item.JSON)
	if err != nil {
		return err
	}
	if l.cut = l.cut || l.size+len(data)+1 > maxContent; !l.cut {
		l.kept, l.size = append(l.kept, data), l.size+len(data)+1
	}
	return nil
}

func (l *listResult) result() (Result, error) {
	if l.key == "" {
		return Result{Content: l.kept, Truncated: l.cut}, nil
	}
	l.beside[l.key] = l.kept
	if _, paged := l.beside["numberOfElements"]; paged {
		l.beside["numberOfElements"] = len(l.kept)
	}
	if !l.cut {
		return Result{Content: l.beside}, nil
	}
	return cut(l.beside, asAttachment(l.csv, l.file)), nil
}

// cut is a result that lacks something.
func cut(content map[string]any, a *incident.Attachment) Result {
	content["truncated"], content["att_name"] = true, a.Name
	return Result{Content: content, Truncated: true, Attachment: a}
}

func newAttachment(name, contentType string, content []byte) *incident.Attachment {
	return &incident.Attachment{Key: name, Name: name, ContentType: contentType, Content: content}
}

// merge adds the members of an object.
func merge(into map[string]any, object any) error {
	data, err := json.Marshal(object)
	if err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for key, value := range members {
		into[key] = value
	}
	return nil
}

// envelope is what a list of SEPM's has beside its content (contract: SEPM API
// A5).
type envelope struct {
	Sort             []sortedBy `json:"sort"`
	Number           int        `json:"number"`
	Size             int        `json:"size"`
	NumberOfElements int        `json:"numberOfElements"`
	TotalElements    int        `json:"totalElements"`
	TotalPages       int        `json:"totalPages"`
	FirstPage        bool       `json:"firstPage"`
	LastPage         bool       `json:"lastPage"`
}

type sortedBy struct {
	Direction string `json:"direction"`
	Property  string `json:"property"`
	Ascending bool   `json:"ascending"`
}

// onePage is the envelope of a list that is all on one page.
func onePage(total int, sorted ...sortedBy) envelope {
	return envelope{
		Sort: sorted, Size: total, NumberOfElements: total, TotalElements: total, TotalPages: 1, FirstPage: true, LastPage: true,
	}
}

func sortOf(property string, descending bool) sortedBy {
	direction := "ASC"
	if descending {
		direction = "DESC"
	}
	return sortedBy{direction, property, !descending}
}

// envelopeKeys describe an envelope.
func envelopeKeys() []KeyDef {
	return []KeyDef{
		{Name: "sort", Help: "What the list is sorted by."},
		{Name: "number, size, numberOfElements, totalElements, totalPages, firstPage, lastPage", Help: "The page, which is all of the list; number counts from 0."},
		{Name: "truncated, att_name", Help: "Only where the list is cut off at 1 MiB: true, and the name of the attachment that has all of it.", New: true},
	}
}

// items makes items of what SEPM lists, and of their number the last.
func items[T any](list iter.Seq2[T, error], item func(T) Item, last func(n int) Item) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		n := 0
		for v, err := range list {
			if err != nil {
				yield(Item{}, err)
				return
			}
			if n++; !yield(item(v), nil) {
				return
			}
		}
		yield(last(n), nil)
	}
}

// values are a list that came in one piece.
func values[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}
