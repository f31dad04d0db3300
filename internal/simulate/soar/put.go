package soar

import (
	"encoding/json"
	"net/http"
)

// putIncident is PUT /incidents/{i}: the whole of it, at its current version.
// A field that is left out is emptied (contract: §1.8, §2.5).
func (s *Server) putIncident(c *call) (any, error) {
	return s.alone(c, func() (any, error) {
		var body map[string]json.RawMessage
		if err := c.decode(&body); err != nil {
			return nil, err
		}
		var version *int
		if err := optional(body, "vers", &version); err != nil {
			return nil, err
		}
		d, err := c.org.parseIncident(body)
		if err != nil {
			return nil, err
		}
		return s.onIncident(c, func(inc *incident) (any, error) {
			if version == nil || *version != inc.version {
				return nil, refuse(http.StatusConflict, "The incident %d has changed: it is at version %d.", inc.id, inc.version)
			}
			var changed []*field
			for _, f := range c.org.fields.all {
				kept := f.ReadOnly || f == c.org.fields.status && d.values[f.index] == nil
				if !kept && !f.same(inc.values[f.index], d.values[f.index]) {
					changed = append(changed, f)
				}
			}
			if err := s.changes(c.who, changed); err != nil {
				return nil, err
			}
			now := s.clock()
			for _, f := range changed {
				c.org.set(inc, f, d.values[f.index])
				inc.arrived(now, c.who, Changed, FieldPiece, f.ID, f.key())
			}
			c.org.touch(inc, now)
			return inc.dto(c.format, true), nil
		})
	})
}
