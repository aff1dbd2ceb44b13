"""Undoing the deletion of an account."""

from fastapi import status

from app.api.deps import DeletionDep
from app.api.v1.endpoints import endpoints
from app.schemas.challenges import LinkProof
from app.schemas.problems import LINK, problems

router = endpoints("/auth/deletion", "Auth")


@router.post("/undo", status_code=status.HTTP_204_NO_CONTENT, responses=problems(*LINK))
async def undo_deletion(body: LinkProof, deletion: DeletionDep) -> None:
    """Keep an account that its owner has deleted, with the link that was sent."""
    await deletion.undo(body.proof())
