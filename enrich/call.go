package enrich

import (
	"encoding/json"
	"fmt"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// What a call's body holds, by its operation.
type (
	// scanBody is that of a scan and of a remediation.
	scanBody struct {
		Full        bool           `json:"full,omitempty"`
		Description string         `json:"description,omitempty"`
		Evidence    []evidenceBody `json:"evidence"`
		// What follows is not sent: it is for the row and the note.
		Reach reach    `json:"reach,omitzero"`
		Left  []string `json:"left,omitempty"` // artifacts that are not searched for
	}
	// reach is what is known of the endpoints that a command goes to.
	reach struct {
		// Endpoints are how many can run it.
		Endpoints int `json:"endpoints,omitempty"`
		// Names are those of the endpoints and groups, by their ids.
		Names map[string]string `json:"names,omitempty"`
		// Others are ids of endpoints that cannot run it, OtherNames the names of
		// the first few of them.
		Others     []string `json:"others,omitempty"`
		OtherNames []string `json:"other_names,omitempty"`
	}
	evidenceBody struct {
		Name string             `json:"name,omitempty"`
		Kind sepclient.HashKind `json:"hash_kind,omitempty"`
		Hash string             `json:"hash,omitempty"`
	}
	uploadBody struct {
		Path   string               `json:"path"`
		Kind   sepclient.HashKind   `json:"hash_kind,omitempty"`
		Hash   string               `json:"hash,omitempty"`
		Source sepclient.FileSource `json:"source,omitempty"`
	}
	moveBody struct {
		GroupID string `json:"group_id"`
		// Group is the group's full path, From where each computer comes from,
		// by hardware key: the way back.
		Group string               `json:"group,omitempty"`
		From  map[string]movedFrom `json:"from,omitempty"`
	}
	movedFrom struct {
		ComputerID string `json:"computer_id"`
		Computer   string `json:"computer"`
		GroupID    string `json:"group_id"`
		Group      string `json:"group"`
	}
	createBody struct {
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		DomainID    string   `json:"domain_id,omitempty"`
		Hashes      []string `json:"hashes"`
	}
	editBody struct {
		DomainID string   `json:"domain_id,omitempty"`
		Add      []string `json:"add,omitempty"`
		Remove   []string `json:"remove,omitempty"`
		// DeleteEmpty deletes a list in which no hash is left.
		DeleteEmpty bool `json:"delete_empty,omitempty"`
	}
)

// What the body of an answer holds, by the call's operation.
type (
	// commandAnswer is that of the operations that start a command.
	commandAnswer struct {
		IDs []string `json:"ids"`
	}
	moveAnswer struct {
		// Failed are the computers that were not moved and why, by hardware key.
		Failed map[string]string `json:"failed,omitempty"`
	}
	listAnswer struct {
		ID         string   `json:"id"`
		Added      []string `json:"added,omitempty"`
		Removed    []string `json:"removed,omitempty"`
		Interfered bool     `json:"interfered,omitempty"`
		Deleted    bool     `json:"deleted,omitempty"`
	}
)

// newCall makes a call. Its body is plain data and always encodes.
func newCall(op incident.Operation, t incident.Target, body any) *incident.Call {
	c := &incident.Call{Operation: op, Target: t}
	if body != nil {
		c.Body = encode(body)
	}
	return c
}

func encode(body any) json.RawMessage {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return data
}

// decode reads the body of a call or an answer, which may be empty.
func decode[T any](data json.RawMessage) (body T, err error) {
	if len(data) == 0 {
		return body, nil
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return body, fmt.Errorf("read %q: %w", data, err)
	}
	return body, nil
}

// commandIDs are the ids of the commands that a run has started.
func commandIDs(answers []incident.Answer) []string {
	var ids []string
	for _, a := range answers {
		body, err := decode[commandAnswer](a.Body)
		if err == nil {
			ids = append(ids, body.IDs...)
		}
	}
	return ids
}

// refusal is what SEPM refused of a run's calls: the first such answer, nil
// for none.
func refusal(answers []incident.Answer) *incident.Answer {
	for i := range answers {
		if answers[i].Error != "" {
			return &answers[i]
		}
	}
	return nil
}

func (b scanBody) scan(remediate bool) sepclient.Scan {
	s := sepclient.Scan{Full: b.Full, Remediate: remediate, Description: b.Description}
	for _, e := range b.Evidence {
		s.Evidence = append(s.Evidence, sepclient.Evidence{Name: e.Name, Hash: sepclient.FileHash{Kind: e.Kind, Value: e.Hash}})
	}
	return s
}

func fileHashes(hashes []string) ([]sepclient.ListedFile, error) {
	files := make([]sepclient.ListedFile, len(hashes))
	for i, text := range hashes {
		h, err := sepclient.ParseFileHash(text)
		switch {
		case err != nil:
			return nil, err
		case h.Kind == sepclient.MD5:
			files[i].MD5 = h.Value
		case h.Kind == sepclient.SHA256:
			files[i].SHA256 = h.Value
		default:
			return nil, fmt.Errorf("a fingerprint list takes MD5 and SHA-256, not %s", h.Kind)
		}
	}
	return files, nil
}
