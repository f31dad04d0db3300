package mime

import "strings"

// joinFlowed undoes format=flowed (RFC 3676 §4): a line that ends in a blank
// goes on in the next one of the same quote depth, and the blank that stuffs
// the start of a line is taken off. With DelSp the blank at the end was not in
// the text either. An empty line stays: it was never wrapped off a line, and
// parts what stands around it.
//
// A line that ends in a colon and blanks is left as it is. SEPM writes an
// empty value so ("Description: "), and not every program takes the blank off
// before it calls the text flowed; where the value itself was wrapped, the
// reader of labels joins the lines.
func joinFlowed(text string, delSp bool) string {
	var out strings.Builder
	out.Grow(len(text))
	open, depth, ended := false, 0, "" // the line before goes on; its quotes; its line end
	for line := range strings.Lines(text) {
		content := strings.TrimRight(line, "\r\n")
		end := line[len(content):]
		quoted := strings.TrimLeft(content, ">")
		quotes := len(content) - len(quoted)
		content = strings.TrimPrefix(quoted, " ")
		if !open || quotes != depth || content == "" || content == "-- " {
			if open {
				out.WriteString(ended)
			}
			out.WriteString(line[:quotes])
			if quotes > 0 && content != "" {
				out.WriteByte(' ')
			}
		}
		open = strings.HasSuffix(content, " ") && content != "-- " && !strings.HasSuffix(strings.TrimRight(content, " "), ":")
		if open && delSp {
			content = content[:len(content)-1]
		}
		out.WriteString(content)
		if depth, ended = quotes, end; !open {
			out.WriteString(end)
		}
	}
	if open {
		out.WriteString(ended)
	}
	return out.String()
}
