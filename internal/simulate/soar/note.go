package soar

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

type note struct {
	id, parent int
	text       rich
	author     *principal
	created    time.Time
	editor     *principal // who wrote the text as it is
	modified   time.Time
}

// newNote is a note that a client asks for.
type newNote struct {
	text   rich
	parent int // 0 is none
}

func parseNote(raw json.RawMessage) (newNote, error) {
	var body struct {
		Text     json.RawMessage `json:"text"`
		ParentID *int            `json:"parent_id"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return newNote{}, badRequest("The note is not of the right kind.")
	}
	text, ok := parseRich(body.Text)
	if !ok {
		return newNote{}, badRequest("The text of a note takes text or {format, content}.")
	}
	if strings.TrimSpace(text.Content) == "" {
		return newNote{}, badRequest("The note has no text.")
	}
	n := newNote{text: text}
	if body.ParentID != nil {
		n.parent = *body.ParentID
	}
	return n, nil
}

func (o *org) addNote(inc *incident, text rich, parent int, who *principal, now time.Time) *note {
	o.lastNote++
	n := &note{id: o.lastNote, parent: parent, text: text, author: who, created: now, editor: who, modified: now}
	inc.notes = append(inc.notes, n)
	inc.arrived(now, who, Added, NotePiece, n.id, text.Content)
	return n
}

// getNotes is GET /incidents/{i}/comments: the notes, with the answers to
// each in its children (contract: §4.1).
func (s *Server) getNotes(c *call) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) { return inc.thread(0, c.format), nil })
}

func (inc *incident) thread(parent int, as format) []object {
	list := []object{}
	for _, n := range inc.notes {
		if n.parent == parent {
			list = append(list, n.dto(inc, as))
		}
	}
	return list
}

func (s *Server) postNote(c *call) (any, error) {
	var raw json.RawMessage
	if err := c.decode(&raw); err != nil {
		return nil, err
	}
	asked, err := parseNote(raw)
	if err != nil {
		return nil, err
	}
	return s.onIncident(c, func(inc *incident) (any, error) {
		found := asked.parent == 0
		for _, n := range inc.notes {
			found = found || n.id == asked.parent
		}
		if !found {
			return nil, notFound("note", asked.parent)
		}
		n := c.org.addNote(inc, asked.text, asked.parent, c.who, s.clock())
		inc.modified = n.created
		return n.dto(inc, c.format), nil
	})
}

// onNote runs f on the note in the path.
func (s *Server) onNote(c *call, f func(*incident, *note) (any, error)) (any, error) {
	return s.onIncident(c, func(inc *incident) (any, error) {
		id := c.r.PathValue("id")
		for _, n := range inc.notes {
			if strconv.Itoa(n.id) == id {
				return f(inc, n)
			}
		}
		return nil, notFound("note", id)
	})
}

func (s *Server) getNote(c *call) (any, error) {
	return s.onNote(c, func(inc *incident, n *note) (any, error) { return n.dto(inc, c.format), nil })
}

func (s *Server) putNote(c *call) (any, error) {
	var raw json.RawMessage
	if err := c.decode(&raw); err != nil {
		return nil, err
	}
	asked, err := parseNote(raw)
	if err != nil {
		return nil, err
	}
	return s.onOwnNote(c, func(inc *incident, n *note) (any, error) {
		n.text, n.editor, n.modified = asked.text, c.who, s.clock()
		inc.modified = n.modified
		inc.arrived(n.modified, c.who, Changed, NotePiece, n.id, n.text.Content)
		return n.dto(inc, c.format), nil
	})
}

func (s *Server) deleteNote(c *call) (any, error) {
	return s.onOwnNote(c, func(inc *incident, n *note) (any, error) {
		inc.dropNote(n, c.who, s.clock())
		return s.deleted(), nil
	})
}

// onOwnNote is onNote for those whose note it is: others may not be allowed
// to change it (contract: §4.1).
func (s *Server) onOwnNote(c *call, f func(*incident, *note) (any, error)) (any, error) {
	return s.onNote(c, func(inc *incident, n *note) (any, error) {
		if n.author.id != c.who.id {
			return nil, forbidden("the note is somebody else's")
		}
		return f(inc, n)
	})
}

// dropNote takes a note away, and the answers to it.
func (inc *incident) dropNote(n *note, who *principal, now time.Time) {
	inc.notes = slices.DeleteFunc(inc.notes, func(other *note) bool { return other == n })
	inc.arrived(now, who, Removed, NotePiece, n.id, n.text.Content)
	for {
		i := slices.IndexFunc(inc.notes, func(other *note) bool { return other.parent == n.id })
		if i < 0 {
			return
		}
		inc.dropNote(inc.notes[i], who, now)
	}
}

func (n *note) dto(inc *incident, as format) object {
	var parent any
	if n.parent != 0 {
		parent = n.parent
	}
	return object{
		"type": "incident", "id": n.id, "parent_id": parent, "user_id": n.author.id, "user_fname": n.author.first, "user_lname": n.author.last,
		"user_name": n.author.first + " " + n.author.last, "text": n.text.render(as, true, inc.org.opt.PlainTextAsIs),
		"create_date": n.created.UnixMilli(), "modify_date": n.modified.UnixMilli(), "comment_perms": object{"update": true, "delete": true},
		"modify_user":      object{"id": n.editor.id, "first_name": n.editor.first, "last_name": n.editor.last},
		"modify_principal": n.editor.dto(), "children": inc.thread(n.id, as), "mentioned_users": none, "is_deleted": false, "actions": none,
		"playbooks": none, "inc_id": inc.id, "inc_name": inc.text(inc.org.fields.name), "inc_owner": inc.owner(as),
		"task_id": nil, "task_name": nil, "task_custom": nil, "task_members": nil, "task_at_id": nil,
	}
}
