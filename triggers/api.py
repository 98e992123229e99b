"""The API's resources: each handler turns bytes into a command or a result into an answer, nothing else."""

import asyncio
import hashlib
import json
from uuid import UUID

import azure.functions as func

from adapters.image_codec import reencode
from domain.commands import (
    KIND_OF,
    AddComment,
    AddRating,
    Command,
    DeleteComment,
    DeleteItem,
    DeleteRating,
    PutItem,
    SetImage,
    UpdateItem,
    target_of,
)
from domain.identity import OperationId, command_id, digest_of
from domain.models import ItemChanges, NewComment, NewItem, NewRating, RatingSummary
from domain.operations import resource_of
from triggers import docs_page, openapi, requests
from triggers.answers import CACHED, accepted, answer, answer_list, answers_errors_as_http, not_found
from wiring import parts

api = func.Blueprint()  # type: ignore[no-untyped-call]

_ITEMS = "api/1.0/catalogitem"
_ITEM = "api/1.0/catalogitem/{item_id}"


@api.function_name("list_items")
@api.route(_ITEMS, methods=["GET"])
@answers_errors_as_http
async def list_items(req: func.HttpRequest) -> func.HttpResponse:
    """Items by name, without their descriptions."""
    limit = requests.limit(req, default=100, maximum=500)
    # One more than asked for tells whether there is a next page.
    found = await parts().items.page(requests.items_after(req), limit + 1)
    page = found[:limit]
    next_page = None
    if len(found) > limit:
        cursor = requests.items_cursor(page[-1].name, page[-1].item_id)
        next_page = f"/{_ITEMS}?limit={limit}&continuation={cursor}"
    resources = [item.as_resource(with_description=False).as_json() for item in page]
    return answer_list(resources, next_page=next_page)


@api.function_name("get_item")
@api.route(_ITEM, methods=["GET"])
@answers_errors_as_http
async def get_item(req: func.HttpRequest) -> func.HttpResponse:
    """One item with its version as ETag."""
    item = await parts().items.find(requests.path_id(req, "item_id"))
    if item is None or item.deleted:
        raise not_found()
    headers = {"ETag": f'"{item.version}"'}
    if requests.none_match(req, item.version):
        return func.HttpResponse(status_code=304, headers=headers | CACHED)
    return answer(item.as_resource().as_json(), headers=headers, cached=True)


@api.function_name("post_item")
@api.route(_ITEMS, methods=["POST"])
@answers_errors_as_http
async def post_item(req: func.HttpRequest) -> func.HttpResponse:
    """Create an item, or replace the one that has its id."""
    requests.admit_admin(req)
    body = NewItem.read(requests.json_body(req))
    key = requests.idempotency_key(req)
    # Without an id of its own the item takes the command's: so a retry with the same key means the same item.
    chosen = _command_id("POST item", body.id, key)
    command = PutItem(
        command_id=chosen,
        item_id=body.id or chosen,
        digest=digest_of(body.model_dump(mode="json")),
        name=body.name,
        description=body.description,
        price=body.price,
    )
    return await _accept(command, key)


@api.function_name("put_item")
@api.route(_ITEM, methods=["PUT"])
@answers_errors_as_http
async def put_item(req: func.HttpRequest) -> func.HttpResponse:
    """Change some fields of an item."""
    requests.admit_admin(req)
    item_id = requests.path_id(req, "item_id")
    body = ItemChanges.read(requests.json_body(req))
    key = requests.idempotency_key(req)
    command = UpdateItem(
        command_id=_command_id("PUT item", item_id, key),
        item_id=item_id,
        digest=digest_of(body.model_dump(mode="json", exclude_none=True)),
        name=body.name,
        description=body.description,
        price=body.price,
        if_match=requests.if_match(req),
    )
    return await _accept(command, key)


@api.function_name("delete_item")
@api.route(_ITEM, methods=["DELETE"])
@answers_errors_as_http
async def delete_item(req: func.HttpRequest) -> func.HttpResponse:
    """Remove an item with its comments and ratings."""
    requests.admit_admin(req)
    item_id = requests.path_id(req, "item_id")
    key = requests.idempotency_key(req)
    command = DeleteItem(
        command_id=_command_id("DELETE item", item_id, key),
        item_id=item_id,
        digest=digest_of({}),
        if_match=requests.if_match(req),
    )
    return await _accept(command, key)


@api.function_name("put_image")
@api.route(_ITEM + "/image", methods=["PUT"])
@answers_errors_as_http
async def put_image(req: func.HttpRequest) -> func.HttpResponse:
    """Give an item its image: staged now, served once the processor has seen the command."""
    requests.admit_admin(req)
    item_id = requests.path_id(req, "item_id")
    body = requests.image_body(req)
    key = requests.idempotency_key(req)
    image = await asyncio.to_thread(reencode, body)
    await parts().images.stage(image.digest, image.content, image.content_type)
    command = SetImage(
        command_id=_command_id("PUT image", item_id, key),
        item_id=item_id,
        digest=digest_of({"image": hashlib.sha256(body).hexdigest()}),
        image=image.digest,
    )
    return await _accept(command, key)


@api.function_name("list_comments")
@api.route(_ITEM + "/comments", methods=["GET"])
@answers_errors_as_http
async def list_comments(req: func.HttpRequest) -> func.HttpResponse:
    """An item's comments, newest first."""
    item_id = requests.path_id(req, "item_id")
    limit = requests.limit(req, default=10, maximum=100)
    found = await parts().activity.comments(item_id, requests.comments_after(req), limit + 1)
    page = [comment.as_resource() for comment in found[:limit]]
    next_page = None
    if len(found) > limit:
        cursor = requests.comments_cursor(page[-1].creation_date, page[-1].id)
        next_page = f"/{_ITEMS}/{item_id}/comments?limit={limit}&continuation={cursor}"
    return answer_list([comment.as_json() for comment in page], next_page=next_page)


@api.function_name("get_comment")
@api.route(_ITEM + "/comments/{comment_id}", methods=["GET"])
@answers_errors_as_http
async def get_comment(req: func.HttpRequest) -> func.HttpResponse:
    """One comment."""
    comment = await parts().activity.find_comment(requests.path_id(req, "item_id"), requests.path_id(req, "comment_id"))
    if comment is None:
        raise not_found()
    return answer(comment.as_resource().as_json(), cached=True)


@api.function_name("post_comment")
@api.route(_ITEM + "/comments", methods=["POST"])
@answers_errors_as_http
async def post_comment(req: func.HttpRequest) -> func.HttpResponse:
    """Accept a comment: 202 with the address where it will be readable."""
    item_id = requests.path_id(req, "item_id")
    body = NewComment.read(requests.json_body(req))
    key = requests.idempotency_key(req)
    command = AddComment(
        command_id=_command_id("POST comment", item_id, key),
        item_id=item_id,
        digest=digest_of(body.model_dump(mode="json")),
        author_name=body.author_name,
        text=body.text,
        test_data=requests.is_test_data(req),
    )
    return await _accept(command, key)


@api.function_name("delete_comment")
@api.route(_ITEM + "/comments/{comment_id}", methods=["DELETE"])
@answers_errors_as_http
async def delete_comment(req: func.HttpRequest) -> func.HttpResponse:
    """Remove a comment."""
    requests.admit_admin(req)
    item_id, comment_id = requests.path_id(req, "item_id"), requests.path_id(req, "comment_id")
    key = requests.idempotency_key(req)
    command = DeleteComment(
        command_id=_command_id(f"DELETE comment {comment_id}", item_id, key),
        item_id=item_id,
        digest=digest_of({}),
        entry_id=comment_id,
    )
    return await _accept(command, key)


@api.function_name("get_rating_summary")
@api.route(_ITEM + "/ratings", methods=["GET"])
@answers_errors_as_http
async def get_rating_summary(req: func.HttpRequest) -> func.HttpResponse:
    """An item's average and its number of votes."""
    totals = await parts().activity.totals(requests.path_id(req, "item_id"))
    average = round(totals.stars / totals.votes, 4) if totals.votes else 0
    return answer(RatingSummary(average_rating=average, number_of_votes=totals.votes).as_json(), cached=True)


@api.function_name("get_rating")
@api.route(_ITEM + "/ratings/{rating_id}", methods=["GET"])
@answers_errors_as_http
async def get_rating(req: func.HttpRequest) -> func.HttpResponse:
    """One rating."""
    rating = await parts().activity.find_rating(requests.path_id(req, "item_id"), requests.path_id(req, "rating_id"))
    if rating is None:
        raise not_found()
    return answer(rating.as_resource().as_json(), cached=True)


@api.function_name("post_rating")
@api.route(_ITEM + "/ratings", methods=["POST"])
@answers_errors_as_http
async def post_rating(req: func.HttpRequest) -> func.HttpResponse:
    """Accept a rating: 202 with the address where it will be readable."""
    item_id = requests.path_id(req, "item_id")
    body = NewRating.read(requests.json_body(req))
    key = requests.idempotency_key(req)
    command = AddRating(
        command_id=_command_id("POST rating", item_id, key),
        item_id=item_id,
        digest=digest_of(body.model_dump(mode="json")),
        rating=body.rating,
        test_data=requests.is_test_data(req),
    )
    return await _accept(command, key)


@api.function_name("delete_rating")
@api.route(_ITEM + "/ratings/{rating_id}", methods=["DELETE"])
@answers_errors_as_http
async def delete_rating(req: func.HttpRequest) -> func.HttpResponse:
    """Remove a rating and its part in the average."""
    requests.admit_admin(req)
    item_id, rating_id = requests.path_id(req, "item_id"), requests.path_id(req, "rating_id")
    key = requests.idempotency_key(req)
    command = DeleteRating(
        command_id=_command_id(f"DELETE rating {rating_id}", item_id, key),
        item_id=item_id,
        digest=digest_of({}),
        entry_id=rating_id,
    )
    return await _accept(command, key)


@api.function_name("get_operation")
@api.route("api/1.0/operations/{operation_id}", methods=["GET"])
@answers_errors_as_http
async def get_operation(req: func.HttpRequest) -> func.HttpResponse:
    """What became of a write."""
    operation = await parts().operations.status_of(req.route_params["operation_id"], parts().now())
    if operation is None:
        raise not_found()
    return answer(operation.as_json())


@api.function_name("get_openapi")
@api.route("api/openapi.json", methods=["GET"])
@answers_errors_as_http
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    """The contract, machine-readable."""
    return answer(json.dumps(openapi.document()), cached=True)


@api.function_name("get_docs")
@api.route("api/docs", methods=["GET"])
@answers_errors_as_http
async def get_docs(req: func.HttpRequest) -> func.HttpResponse:
    """The contract for people."""
    headers = {"Content-Security-Policy": docs_page.policy(), "Cache-Control": "public, max-age=300"}
    return func.HttpResponse(docs_page.page(), headers=headers, mimetype="text/html", charset="utf-8")


def _command_id(route: str, item_id: UUID | None, key: str | None) -> UUID:
    return parts().new_id() if key is None else command_id(route, item_id, key)


async def _accept(command: Command, key: str | None) -> func.HttpResponse:
    await parts().acceptance.accept(command, requests.event_properties(), key_given=key is not None)
    operation = OperationId(
        kind=KIND_OF[command.kind],
        item_id=command.item_id,
        command_id=command.command_id,
        target_id=target_of(command),
        digest=command.digest,
        accepted=parts().now(),
    )
    return accepted(resource_of(operation), str(operation))
