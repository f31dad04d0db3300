package sepclient

import (
	"iter"
	"strings"
)

// GroupNode is a group with the groups below it.
type GroupNode struct {
	GroupDetails
	Children []*GroupNode
}

// groupSeparator parts the names of a full path.
const groupSeparator = `\`

// GroupTree arranges groups by their full paths, each domain by itself, and
// returns those above which there is none: the top of each domain, and a group
// whose parent is not among them, as for an administrator who sees a part of
// the tree. Siblings are in the order of the list.
func GroupTree(groups iter.Seq[GroupDetails]) []*GroupNode {
	type place struct{ domain, path string }
	var all []*GroupNode
	byPlace := make(map[place]*GroupNode)
	for g := range groups {
		n := &GroupNode{GroupDetails: g}
		all = append(all, n)
		if at := (place{g.Domain.ID, g.FullPath}); byPlace[at] == nil {
			byPlace[at] = n
		}
	}
	var roots []*GroupNode
	for _, n := range all {
		// A parent's path is shorter, so that no group comes below itself.
		above, below := n.above()
		if parent := byPlace[place{n.Domain.ID, above}]; below && parent != nil {
			parent.Children = append(parent.Children, n)
		} else {
			roots = append(roots, n)
		}
	}
	return roots
}

// above is the path of the group above, if there is one. A name may hold a
// backslash itself, so that it is cut off as it is where the path ends in it.
func (g GroupDetails) above() (path string, below bool) {
	if path, ok := strings.CutSuffix(g.FullPath, groupSeparator+g.Name); ok && g.Name != "" {
		return path, true
	}
	if i := strings.LastIndex(g.FullPath, groupSeparator); i >= 0 && g.FullPath != g.Name {
		return g.FullPath[:i], true
	}
	return "", false
}

// Walk goes over the group and all below it, from the top down, each with how
// far below it is.
func (n *GroupNode) Walk() iter.Seq2[int, GroupDetails] {
	return func(yield func(int, GroupDetails) bool) { n.walk(0, yield) }
}

func (n *GroupNode) walk(depth int, yield func(int, GroupDetails) bool) bool {
	if !yield(depth, n.GroupDetails) {
		return false
	}
	for _, child := range n.Children {
		if !child.walk(depth+1, yield) {
			return false
		}
	}
	return true
}
