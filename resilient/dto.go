package resilient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// Resilient writes handles as ids, names or objects, and rich text as a
// string or an object, as asked for and from one version to the next (§1.5).
// The types here take every form.

// text is a string, a rich text, or a handle by its name or id.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	*t = text(cellOf(data).String())
	return nil
}

// formatted is rich text to be sent.
type formatted struct {
	Format  string `json:"format"`
	Content string `json:"content"`
}

// named is a handle to be sent.
type named struct {
	Name string `json:"name"`
}

// many is an array, or the one object that some answers give in its place.
type many[T any] []T

func (m *many[T]) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		var one T
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		*m = many[T]{one}
		return nil
	}
	return json.Unmarshal(data, (*[]T)(m))
}

// cellOf reads a value: text, a number, a boolean, or what stands for one of
// them in an object. A list, as a multiselect has it, becomes text. What is
// none of these is empty.
func cellOf(data []byte) incident.Cell {
	var list []json.RawMessage
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) || json.Unmarshal(data, &list) != nil {
		return handleCell(data)
	}
	if len(list) == 0 {
		return incident.Cell{}
	}
	parts := make([]string, len(list))
	for i, element := range list {
		parts[i] = handleCell(element).String()
	}
	return incident.Text(strings.Join(parts, ", "))
}

// handleCell reads a rich text, a handle or a plain value.
func handleCell(data []byte) incident.Cell {
	var object struct {
		Content, Name, ID json.RawMessage
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) || json.Unmarshal(data, &object) != nil {
		return plainCell(data)
	}
	for _, part := range []json.RawMessage{object.Content, object.Name, object.ID} {
		if c := plainCell(part); !c.IsZero() {
			return c
		}
	}
	return incident.Cell{}
}

// plainCell reads a JSON string, number or boolean. A number that is not an
// integer is kept as text.
func plainCell(data []byte) incident.Cell {
	var v any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil {
		return incident.Cell{}
	}
	switch v := v.(type) {
	case string:
		return incident.Text(v)
	case bool:
		return incident.Bool(v)
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return incident.Number(n)
		}
		return incident.Text(v.String())
	}
	return incident.Cell{}
}

// identified is the answer to a create; without an id it is no success.
type identified struct {
	ID int64 `json:"id"`
}

// check makes an answer without an id an error.
func (i identified) check(r request) error {
	if i.ID == 0 {
		return r.fail(remote.Unsure(r.read), "the answer has no id", nil)
	}
	return nil
}

// incidentPath is the path of an incident and what belongs to it.
func incidentPath(id int64, rest string) string { return fmt.Sprintf("/incidents/%d%s", id, rest) }
