-- Called by route remove-node: forgets a node that stops as it should.
DELETE FROM node WHERE id = :#${variable.id}::uuid
